"""What a pool quote needs of the SPL token programs: vault balances, and Token-2022 transfer fees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    decode_mint,
    decode_token_account,
)
from engine_app.markets.venues.layout import U64_MAX, account_at, ceil_div, u16, u64
from engine_app.markets.venues.venue import QuoteRefused, Refusal

_TRANSFER_FEE_CONFIG = 1
_TRANSFER_FEE_CONFIG_SIZE = 108
_TRANSFER_HOOK = 14
_BASIS_POINTS = 10_000

_HARMLESS_EXTENSIONS = frozenset(
    {
        3,  # mint close authority
        10,  # interest bearing
        12,  # permanent delegate
        18,  # metadata pointer
        19,  # token metadata
        20,  # group pointer
        21,  # token group
        22,  # group member pointer
        23,  # token group member
        25,  # scaled UI amount
    }
)
"""Extensions that change neither what a transfer moves nor whether it may happen."""

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
        if not fee.basis_points:
            return 0
        return min(ceil_div(amount * fee.basis_points, _BASIS_POINTS), fee.maximum)

    def included(self, amount: int, epoch: int) -> int:
        """Base units that have to be sent in `epoch` so that `amount` arrives, as pool programs work it out: they add
        the fee on spl-token-2022's own answer, which in rare cases is a unit more than the least that would do."""
        fee = self.newer if epoch >= self.newer.epoch else self.older
        if fee.basis_points == _BASIS_POINTS:
            return amount + fee.maximum
        sent = ceil_div(amount * _BASIS_POINTS, _BASIS_POINTS - fee.basis_points)
        return amount + self.on(min(sent, amount + fee.maximum), epoch)


_FREE = EpochFee(epoch=0, maximum=0, basis_points=0)
NO_TRANSFER_FEES = TransferFees(older=_FREE, newer=_FREE)


def require_token_program(program: Pubkey) -> None:
    """Raises DecodeError unless the address is SPL Token's or Token-2022's."""
    if program not in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM):
        raise DecodeError(f"{program} is no token program")


def require_priced(mint: Pubkey, fees: TransferFees) -> None:
    """Raises QuoteRefused where the mint's transfers cannot be priced."""
    if fees.unpriced:
        raise QuoteRefused(Refusal.UNSUPPORTED, f"mint {mint} has an extension: {fees.unpriced}")


def pool_receives(mint: Pubkey, fees: TransferFees, amount: int, epoch: int) -> tuple[int, int]:
    """What of `amount` reaches the pool, and the transfer fee, base units. Raises QuoteRefused."""
    require_priced(mint, fees)
    if amount > U64_MAX:
        raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount is more than a token account can hold")
    fee = fees.on(amount, epoch)
    if amount - fee <= 0:
        raise QuoteRefused(Refusal.TOO_SMALL, "nothing of the amount reaches the pool")
    return amount - fee, fee


def pool_pays(mint: Pubkey, fees: TransferFees, amount: int, epoch: int) -> int:
    """What has to leave the pool so that `amount` base units arrive. Raises QuoteRefused."""
    require_priced(mint, fees)
    if amount <= 0:
        raise QuoteRefused(Refusal.TOO_SMALL, "nothing is asked for")
    sent = fees.included(amount, epoch)
    if sent > U64_MAX:
        raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount is more than a token account can hold")
    return sent


def vault_balance(account: Account, mint: Pubkey, token_program: Pubkey) -> int:
    """Base units in a pool's token account. Raises DecodeError where it is not one of this mint and program."""
    vault = decode_token_account(account)
    if vault.mint != mint or vault.token_program != token_program:
        raise DecodeError(f"a vault of mint {mint} holds mint {vault.mint}")
    return vault.amount


def transfer_fees(accounts: Mapping[Pubkey, Account], mint: Pubkey, token_program: Pubkey) -> TransferFees:
    """What transfers of the mint cost; only a Token-2022 mint's account is looked at. Raises DecodeError."""
    if token_program == TOKEN_PROGRAM:
        return NO_TRANSFER_FEES
    decoded = decode_mint(account_at(accounts, mint, "the mint"))
    if decoded.token_program != token_program:
        raise DecodeError(f"mint {mint} belongs to {decoded.token_program}")
    extensions = decoded.extensions
    unpriced = next(
        (
            _UNPRICED_EXTENSIONS.get(kind, f"extension {kind}")
            for kind, value in extensions.items()
            if not _can_be_priced(kind, value)
        ),
        None,
    )
    config = extensions.get(_TRANSFER_FEE_CONFIG)
    if config is None:
        return TransferFees(_FREE, _FREE, unpriced)
    older, newer = _transfer_fee_config(config)
    return TransferFees(older, newer, unpriced)


def _can_be_priced(kind: int, value: bytes) -> bool:
    """Whether `_transfer_fee_config` or nothing at all covers it; a hook that names no program does nothing."""
    if kind == _TRANSFER_HOOK:
        return value[32:] == bytes(32)
    return kind == _TRANSFER_FEE_CONFIG or kind in _HARMLESS_EXTENSIONS


def _transfer_fee_config(value: bytes) -> tuple[EpochFee, EpochFee]:
    """TransferFeeConfig, 108 bytes: older@72 and newer@90, each epoch u64, maximum u64, basis points u16."""
    if len(value) != _TRANSFER_FEE_CONFIG_SIZE:
        raise DecodeError("the transfer fee extension has another length")
    older, newer = (EpochFee(u64(value, at), u64(value, at + 8), u16(value, at + 16)) for at in (72, 90))
    if max(older.basis_points, newer.basis_points) > _BASIS_POINTS:
        raise DecodeError("the transfer fee is above 100 %")
    return older, newer
