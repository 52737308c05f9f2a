"""The least an order accepts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing import Leg, Route, floor_out, leg_terms
from engine_app.markets.venues.venue import SwapQuote
from tests.markets.routing.measured import BONK, USDC, pools_of

QUOTES = st.integers(0, 2**64 - 1)


@given(quoted=QUOTES)
def test_one_percent_is_ninety_nine_hundredths(quoted: int) -> None:
    assert floor_out(quoted, Decimal("0.01")) == quoted * 99 // 100


@given(quoted=QUOTES, slippage=st.decimals(0, Decimal("0.999999999"), places=9))
def test_it_is_exact_and_rounds_down(quoted: int, slippage: Decimal) -> None:
    exact = quoted * (1 - Fraction(slippage))
    assert 0 <= exact - floor_out(quoted, slippage) < 1


def test_by_hand() -> None:
    assert floor_out(101, Decimal("0.01")) == 99
    assert floor_out(10_001, Decimal("0.0001")) == 9_999
    assert floor_out(2**64 - 1, Decimal(0)) == 2**64 - 1
    assert floor_out(3, Decimal("0.499999999")) == 1


@pytest.mark.parametrize("slippage", ["1", "-0.01", "NaN", "Infinity", "1.5"])
def test_what_is_no_fraction_is_refused(slippage: str) -> None:
    with pytest.raises(ValueError, match="slippage"):
        floor_out(100, Decimal(slippage))


def test_an_absolute_floor_holds_where_it_is_higher() -> None:
    assert floor_out(10_000, Decimal("0.01"), at_least=9_900) == 9_900
    assert floor_out(10_000, Decimal("0.01"), at_least=9_901) == 9_901
    assert floor_out(10_000, Decimal("0.01"), at_least=20_000) == 20_000


POOL = pools_of(SOL, USDC)[0]


def leg(amount_in: int, amount_out: int, *, exact_out: bool = False) -> Leg:
    return Leg(POOL, SOL, USDC, SwapQuote(amount_in, amount_out, (), (1, 1)), exact_out)


@given(
    paid=st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=3),
    slippage=st.decimals(0, Decimal("0.5"), places=6),
    share=st.integers(0, 1_000),
)
def test_the_legs_share_the_floor(paid: list[int], slippage: Decimal, share: int) -> None:
    route = Route((tuple(leg(10, amount) for amount in paid),), 10 * len(paid))
    floor = floor_out(sum(paid), slippage) + share * (sum(paid) - floor_out(sum(paid), slippage)) // 1_000
    terms = leg_terms(route, slippage, floor)
    assert [term.leg for term in terms] == list(route.legs)
    assert [term.amount_in for term in terms] == [10] * len(paid)
    assert floor <= sum(term.amount_out for term in terms) <= floor + len(paid)
    for term, amount in zip(terms, paid, strict=True):
        assert floor_out(amount, slippage) <= term.amount_out <= amount


def test_no_leg_is_left_without_room_while_another_has_some() -> None:
    """The price fell by half of what the order accepts to lose: each leg may still lose the other half."""
    route = Route(((leg(7, 9_950), leg(7, 9_950), leg(1, 199)),), 15)
    terms = leg_terms(route, Decimal("0.01"), 20_000)
    assert [term.amount_out for term in terms] == [9_901, 9_901, 198]


def test_a_leg_alone_carries_the_whole_floor() -> None:
    [terms] = leg_terms(Route(((leg(7, 10_000),),), 7), Decimal("0.01"), 9_950)
    assert (terms.amount_in, terms.amount_out) == (7, 9_950)


def test_a_floor_above_the_quote_is_refused() -> None:
    with pytest.raises(ValueError, match="1 units below"):
        leg_terms(Route(((leg(7, 60), leg(7, 40)),), 14), Decimal("0.01"), 101)


@pytest.mark.parametrize("exact_out", [True, False])
def test_a_first_hop_brings_what_the_second_spends(exact_out: bool) -> None:
    first = Leg(POOL, BONK, SOL, SwapQuote(990 if exact_out else 1_000, 500, (), (1, 1)), exact_out)
    route = Route(((first,), (leg(300, 600), leg(200, 400))), 1_000)
    begins, *ends = leg_terms(route, Decimal("0.1"), 950)
    assert (begins.leg, begins.amount_in, begins.amount_out) == (first, 1_000, 500)
    assert [term.amount_in for term in ends] == [300, 200]
    assert [term.amount_out for term in ends] == [570, 380]
