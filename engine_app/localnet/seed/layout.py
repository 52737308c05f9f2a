"""Writing program accounts byte by byte."""

from solders.account import Account
from solders.pubkey import Pubkey

RENT_EPOCH_NEVER = 2**64 - 1
_LAMPORTS_PER_BYTE = 6_960
_ACCOUNT_OVERHEAD = 128


class Layout:
    """An account's data under construction, zero where nothing is put."""

    def __init__(self, length: int) -> None:
        self._data = bytearray(length)

    def put(self, offset: int, value: bytes) -> "Layout":
        """Put bytes at an offset."""
        self._data[offset : offset + len(value)] = value
        return self

    def key(self, offset: int, value: Pubkey) -> "Layout":
        """Put an address at an offset."""
        return self.put(offset, bytes(value))

    def number(self, offset: int, value: int, size: int) -> "Layout":
        """Put an unsigned little-endian integer of `size` bytes at an offset.

        Raises:
            OverflowError: the value does not fit.
        """
        return self.put(offset, value.to_bytes(size, "little"))

    def account(self, owner: Pubkey, extra_lamports: int = 0) -> Account:
        """The account, rent-exempt and with `extra_lamports` on top."""
        lamports = rent_exempt(len(self._data)) + extra_lamports
        return Account(lamports, bytes(self._data), owner, False, RENT_EPOCH_NEVER)


def rent_exempt(length: int) -> int:
    """Lamports that exempt `length` bytes from rent in the genesis state (3,480 a byte-year, two years)."""
    return (_ACCOUNT_OVERHEAD + length) * _LAMPORTS_PER_BYTE
