"""How much of a balance an order may ask for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.orders.idempotency import check_key
from engine_app.ui.spending import (
    GRACE_SECONDS,
    QUOTE_SECONDS,
    SHARES,
    SOL_KEPT,
    STALE_SECONDS,
    falls_short,
    is_stale,
    nothing_to_share,
    share,
    spends_fees,
    wish_key,
)

balances = st.decimals(min_value=0, max_value=Decimal("1e12"), places=9)


@pytest.mark.parametrize(
    ("available", "divisor", "token", "decimals", "filled_in"),
    [
        ("10", 1, "SOL", 9, "9.99"),
        ("10", 2, "SOL", 9, "4.995"),
        ("0.01", 1, "SOL", 9, "0"),
        ("0.004", 2, "SOL", 9, "0"),
        ("10", 1, "USDC", 6, "10"),
        ("0.000003", 2, "USDC", 6, "0.000001"),
        ("75000000.00001", 2, "BONK", 5, "37500000"),
    ],
)
def test_a_share_is_rounded_down_and_leaves_sol_for_fees(
    available: str, divisor: int, token: str, decimals: int, filled_in: str
) -> None:
    assert share(Decimal(available), divisor, token=token, decimals=decimals) == Decimal(filled_in)


@given(available=balances, divisor=st.sampled_from(SHARES), token=st.sampled_from(["SOL", "USDC"]))
def test_a_share_is_never_more_than_there_is(available: Decimal, divisor: int, token: str) -> None:
    filled_in = share(available, divisor, token=token, decimals=6)
    assert filled_in >= 0
    assert filled_in * divisor <= available
    if token == "SOL" and filled_in:
        assert available - filled_in >= SOL_KEPT


@pytest.mark.parametrize(
    ("asked", "available", "short"),
    [("1", "1", False), ("1.000000001", "1", True), ("1", "0", True), ("1", None, False)],
)
def test_only_a_known_balance_falls_short(asked: str, available: str | None, short: bool) -> None:
    assert falls_short(Decimal(asked), None if available is None else Decimal(available)) is short


@pytest.mark.parametrize(
    ("asked", "available", "token", "spends"),
    [
        ("10", "10", "SOL", True),
        ("9.990000001", "10", "SOL", True),
        ("9.99", "10", "SOL", False),
        ("10.1", "10", "SOL", False),
        ("10", None, "SOL", False),
        ("10", "10", "USDC", False),
        ("0", "0.5", "SOL", False),
    ],
)
def test_paying_what_fees_need_is_told_apart(asked: str, available: str | None, token: str, spends: bool) -> None:
    known = None if available is None else Decimal(available)
    assert spends_fees(Decimal(asked), known, token=token) is spends


@given(available=balances, divisor=st.sampled_from(SHARES))
def test_a_share_of_sol_never_spends_what_fees_need(available: Decimal, divisor: int) -> None:
    filled_in = share(available, divisor, token="SOL", decimals=9)
    assert not filled_in or not spends_fees(filled_in, available, token="SOL")


def test_nothing_to_share_says_why() -> None:
    assert nothing_to_share("SOL") == "There is no SOL to pay beyond what fees and rents need."
    assert nothing_to_share("USDC") == "There is no USDC to pay."


def test_a_wish_at_a_price_has_one_key_and_anything_else_another() -> None:
    key = wish_key("wish", "SOL|USDC|1.5|224|222")
    assert key == wish_key("wish", "SOL|USDC|1.5|224|222")
    assert key != wish_key("another wish", "SOL|USDC|1.5|224|222")
    assert key != wish_key("wish", "SOL|USDC|1.5|225|223")
    check_key(wish_key("wish", "7xKX…gAsU|USDC|1|2|1"))


def test_a_quote_is_renewed_well_before_it_is_stale() -> None:
    assert not is_stale(QUOTE_SECONDS + GRACE_SECONDS)
    assert is_stale(STALE_SECONDS + 0.1)
