"""Reading fixed account layouts (little-endian integers and addresses at byte offsets), and their integers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError

U64_MAX = 2**64 - 1
U128_MAX = 2**128 - 1


def u8(data: bytes, offset: int) -> int:
    """The byte at `offset`."""
    return data[offset]


def u16(data: bytes, offset: int) -> int:
    """The u16 at `offset`."""
    return int.from_bytes(data[offset : offset + 2], "little")


def u32(data: bytes, offset: int) -> int:
    """The u32 at `offset`."""
    return int.from_bytes(data[offset : offset + 4], "little")


def u64(data: bytes, offset: int) -> int:
    """The u64 at `offset`."""
    return int.from_bytes(data[offset : offset + 8], "little")


def i32(data: bytes, offset: int) -> int:
    """The i32 at `offset`."""
    return int.from_bytes(data[offset : offset + 4], "little", signed=True)


def i64(data: bytes, offset: int) -> int:
    """The i64 at `offset`."""
    return int.from_bytes(data[offset : offset + 8], "little", signed=True)


def u128(data: bytes, offset: int) -> int:
    """The u128 at `offset`."""
    return int.from_bytes(data[offset : offset + 16], "little")


def i128(data: bytes, offset: int) -> int:
    """The i128 at `offset`."""
    return int.from_bytes(data[offset : offset + 16], "little", signed=True)


def address(data: bytes, offset: int) -> Pubkey:
    """The address at `offset`."""
    return Pubkey.from_bytes(data[offset : offset + 32])


@lru_cache(maxsize=8192)
def derived(program: Pubkey, *seeds: bytes) -> Pubkey:
    """The program's address that the seeds give, kept: the search for one takes long."""
    return Pubkey.find_program_address(list(seeds), program)[0]


def ceil_div(numerator: int, denominator: int) -> int:
    """The quotient rounded up."""
    return -(-numerator // denominator)


def account_at(accounts: Mapping[Pubkey, Account], key: Pubkey, what: str) -> Account:
    """The account at `key`; `what` names it in the DecodeError raised where it is missing."""
    account = accounts.get(key)
    if account is None:
        raise DecodeError(f"{what} {key} is missing")
    return account


def anchor_data(account: Account, what: str, program: Pubkey, size: int, discriminator: bytes) -> bytes:
    """The bytes of an Anchor account, checked by owner, length and discriminator. Raises DecodeError."""
    if account.owner != program:
        raise DecodeError(f"{what} belongs to {account.owner}, not to {program}")
    if len(account.data) != size:
        raise DecodeError(f"{what} is {len(account.data)} bytes long, not {size}")
    if account.data[:8] != discriminator:
        raise DecodeError(f"{what} has the discriminator {account.data[:8].hex()}")
    return account.data
