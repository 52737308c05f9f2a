"""The least an order accepts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_app.markets.routing import floor_out

QUOTES = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(quoted=QUOTES)
def test_one_percent_is_ninety_nine_hundredths(quoted: int) -> None:
    assert floor_out(quoted, Decimal("0.01")) == quoted * 99 // 100


@settings(deadline=None)
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
