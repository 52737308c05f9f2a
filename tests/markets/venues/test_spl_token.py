"""Token-2022 transfer fees and the extensions that forbid a price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.spl_token import (
    NO_TRANSFER_FEES,
    EpochFee,
    TransferFees,
    require_priced,
    require_token_program,
    transfer_fees,
    vault_balance,
)
from engine_app.markets.venues.venue import QuoteRefused, Refusal


def _epoch_fee(epoch: int, maximum: int, basis_points: int) -> bytes:
    return epoch.to_bytes(8, "little") + maximum.to_bytes(8, "little") + basis_points.to_bytes(2, "little")


MINT = Pubkey.new_unique()
INITIALIZED_MINT = bytes(45) + b"\x01" + bytes(36)


def _fees(account: Account) -> TransferFees:
    return transfer_fees({MINT: account}, MINT, TOKEN_2022_PROGRAM)


def _mint(*extensions: tuple[int, bytes]) -> Account:
    values = b"".join(
        kind.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value for kind, value in extensions
    )
    return Account(TOKEN_2022_PROGRAM, 1, INITIALIZED_MINT + bytes(83) + b"\x01" + values)


FEE = (1, bytes(72) + _epoch_fee(100, 5_000, 50) + _epoch_fee(102, 9_000, 100))


def test_the_fee_changes_with_its_epoch() -> None:
    fees = _fees(_mint(FEE))
    assert fees == TransferFees(EpochFee(100, 5_000, 50), EpochFee(102, 9_000, 100))
    assert [fees.on(10_000, epoch) for epoch in (99, 101, 102, 500)] == [50, 50, 100, 100]


def test_the_fee_rounds_up_and_has_a_maximum() -> None:
    fees = _fees(_mint(FEE))
    assert [fees.on(amount, 102) for amount in (0, 1, 100, 101, 900_000, 10**12)] == [0, 1, 1, 2, 9_000, 9_000]


@given(amount=st.integers(0, U64_MAX), maximum=st.integers(0, U64_MAX), basis_points=st.integers(0, 10_000))
def test_a_fee_never_takes_more_than_the_amount(amount: int, maximum: int, basis_points: int) -> None:
    fee = EpochFee(0, maximum, basis_points)
    taken = TransferFees(fee, fee).on(amount, 7)
    assert 0 <= taken <= min(amount, maximum)


@pytest.mark.parametrize("account", [Account(TOKEN_2022_PROGRAM, 1, INITIALIZED_MINT), _mint(), _mint((0, b""))])
def test_a_mint_without_extensions_is_free(account: Account) -> None:
    assert _fees(account) == NO_TRANSFER_FEES


@pytest.mark.parametrize("kind", [3, 10, 12, 18, 19, 20, 21, 22, 23, 25])
def test_harmless_extensions_are_priced(kind: int) -> None:
    fees = _fees(_mint((kind, b"xx"), FEE))
    assert fees.unpriced is None
    assert fees.on(10_000, 102) == 100


@pytest.mark.parametrize(
    ("kind", "name"),
    [(4, "confidential transfer"), (6, "default account state"), (9, "non-transferable"), (26, "pausable"),
     (14, "transfer hook"), (99, "extension 99")],
)  # fmt: skip
def test_what_cannot_be_priced_is_refused_by_name(kind: int, name: str) -> None:
    fees = _fees(_mint(FEE, (kind, b"\x01" * 64)))
    assert fees.unpriced == name
    with pytest.raises(QuoteRefused, match=name) as refused:
        require_priced(Pubkey.default(), fees)
    assert refused.value.reason == Refusal.UNSUPPORTED


def test_a_hook_without_a_program_is_no_hook() -> None:
    fees = _fees(_mint((14, b"\x01" * 32 + bytes(32))))
    assert fees.unpriced is None


@pytest.mark.parametrize(
    "account",
    [
        Account(TOKEN_PROGRAM, 1, INITIALIZED_MINT),
        Account(TOKEN_2022_PROGRAM, 1, b""),
        Account(TOKEN_2022_PROGRAM, 1, bytes(165)),
        Account(TOKEN_2022_PROGRAM, 1, INITIALIZED_MINT + bytes(83) + b"\x02"),
        Account(TOKEN_2022_PROGRAM, 1, _mint(FEE).data[:-1]),
        _mint((1, bytes(107))),
        _mint((1, bytes(72) + _epoch_fee(0, 1, 10_001) + _epoch_fee(0, 1, 0))),
    ],
)
def test_other_bytes_are_no_mint(account: Account) -> None:
    with pytest.raises(DecodeError):
        _fees(account)


def test_a_vault_is_checked_before_it_is_read() -> None:
    mint = Pubkey.new_unique()
    data = bytes(mint) + bytes(32) + (77).to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
    assert vault_balance(Account(TOKEN_PROGRAM, 1, data), mint, TOKEN_PROGRAM) == 77
    for account, of in (
        (Account(TOKEN_PROGRAM, 1, data), Pubkey.new_unique()),
        (Account(TOKEN_2022_PROGRAM, 1, data), mint),
        (Account(TOKEN_PROGRAM, 1, data[:-1]), mint),
    ):
        with pytest.raises(DecodeError):
            vault_balance(account, of, TOKEN_PROGRAM)


def test_a_classic_mint_is_not_even_looked_at() -> None:
    assert transfer_fees({}, MINT, TOKEN_PROGRAM) == NO_TRANSFER_FEES
    with pytest.raises(DecodeError, match="missing"):
        transfer_fees({}, MINT, TOKEN_2022_PROGRAM)


def test_there_are_two_token_programs() -> None:
    require_token_program(TOKEN_PROGRAM)
    require_token_program(TOKEN_2022_PROGRAM)
    with pytest.raises(DecodeError):
        require_token_program(MINT)
