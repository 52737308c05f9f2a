"""What a pool quote needs of the SPL token programs: vault balances, and Token-2022 transfer fees."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.venues.layout import DecodeError, address, ceil_div, u16, u64
from engine_app.markets.venues.venue import QuoteRefused, Refusal

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)

_TOKEN_ACCOUNT_SIZE = 165
_MINT_SIZE = 82
_ACCOUNT_TYPE_MINT = 1
_TRANSFER_FEE_CONFIG = 1
_TRANSFER_HOOK = 14
_BASIS_POINTS = 10_000

# Extensions that change neither what a transfer moves nor whether it may happen.
_HARMLESS_EXTENSIONS = {
    3: "mint close authority",
    10: "interest bearing",
    12: "permanent delegate",
    18: "metadata pointer",
    19: "token metadata",
    20: "group pointer",
    21: "token group",
    22: "group member pointer",
    23: "token group member",
    25: "scaled UI amount",
}

_UNPRICED_EXTENSIONS = {
    4: "confidential transfer",
    6: "default account state",
    9: "non-transferable",
    14: "transfer hook",
    16: "confidential transfer fee",
    24: "confidential mint and burn",
    26: "pausable",
    27: "permissioned burn",
}


@dataclass(frozen=True, slots=True)
class EpochFee:
    """A transfer fee from one epoch on: `basis_points` of the amount, rounded up, at most `maximum` units."""

    epoch: int
    maximum: int
    basis_points: int


@dataclass(frozen=True, slots=True)
class TransferFees:
    """What transfers of one mint cost.

    Attributes:
        older: the fee until the epoch of `newer`.
        newer: the fee from its epoch on.
        unpriced: the extension that forbids a price, by its name, or None.
    """

    older: EpochFee
    newer: EpochFee
    unpriced: str | None = None

    def on(self, amount: int, epoch: int) -> int:
        """Base units withheld from a transfer of `amount` base units in `epoch` (spl-token-2022, rounds up)."""
        fee = self.newer if epoch >= self.newer.epoch else self.older
        return min(ceil_div(amount * fee.basis_points, _BASIS_POINTS), fee.maximum)


_FREE = EpochFee(epoch=0, maximum=0, basis_points=0)
NO_TRANSFER_FEES = TransferFees(older=_FREE, newer=_FREE)


def require_priced(mint: Pubkey, fees: TransferFees) -> None:
    """Raises QuoteRefused where the mint's transfers cannot be priced."""
    if fees.unpriced:
        raise QuoteRefused(Refusal.UNSUPPORTED, f"mint {mint} has an extension: {fees.unpriced}")


def vault_balance(account: Account, mint: Pubkey, token_program: Pubkey) -> int:
    """Base units in a pool's token account (mint@0, amount@64). Raises DecodeError where it is another's."""
    if account.owner != token_program or len(account.data) < _TOKEN_ACCOUNT_SIZE:
        raise DecodeError(f"a vault of mint {mint} is no account of the token program {token_program}")
    if address(account.data, 0) != mint:
        raise DecodeError(f"a vault of mint {mint} holds another mint")
    return u64(account.data, 64)


def decode_transfer_fees(account: Account) -> TransferFees:
    """The transfer fees of a Token-2022 mint account, from its extensions. Raises DecodeError.

    Layout (spl-token-2022): mint of 82 bytes, padding to 165, account type, then type u16, length u16, value.
    """
    data = account.data
    if account.owner != TOKEN_2022_PROGRAM:
        raise DecodeError(f"a mint belongs to {account.owner}, not to Token-2022")
    if len(data) == _MINT_SIZE:
        return NO_TRANSFER_FEES
    if len(data) <= _TOKEN_ACCOUNT_SIZE or data[_TOKEN_ACCOUNT_SIZE] != _ACCOUNT_TYPE_MINT:
        raise DecodeError("the account is no mint")
    fees = NO_TRANSFER_FEES
    unpriced: str | None = None
    offset = _TOKEN_ACCOUNT_SIZE + 1
    while offset + 4 <= len(data):
        kind, length = u16(data, offset), u16(data, offset + 2)
        if kind == 0:
            break
        value = data[offset + 4 : offset + 4 + length]
        if len(value) != length:
            raise DecodeError("an extension of the mint is cut off")
        if kind == _TRANSFER_FEE_CONFIG:
            fees = _transfer_fee_config(value)
        elif not _leaves_transfers_alone(kind, value):
            unpriced = _UNPRICED_EXTENSIONS.get(kind, f"extension {kind}")
        offset += 4 + length
    return TransferFees(fees.older, fees.newer, unpriced)


def _leaves_transfers_alone(kind: int, value: bytes) -> bool:
    hook_without_program = kind == _TRANSFER_HOOK and value[32:] == bytes(32)
    return kind in _HARMLESS_EXTENSIONS or hook_without_program


def _transfer_fee_config(value: bytes) -> TransferFees:
    """TransferFeeConfig, 108 bytes: older@72 and newer@90, each epoch u64, maximum u64, basis points u16."""
    if len(value) != 108:
        raise DecodeError("the transfer fee extension has another length")
    older, newer = (EpochFee(u64(value, start), u64(value, start + 8), u16(value, start + 16)) for start in (72, 90))
    if max(older.basis_points, newer.basis_points) > _BASIS_POINTS:
        raise DecodeError("the transfer fee is above 100 %")
    return TransferFees(older, newer)
