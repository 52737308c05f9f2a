"""Prices per whole token, and price impact."""

from __future__ import annotations

from decimal import Decimal

from engine_app.markets.routing.price import price_impact, token_price
from engine_app.markets.venues.venue import SwapQuote


def _quote(amount_in: int, amount_out: int, marginal: tuple[int, int]) -> SwapQuote:
    return SwapQuote(amount_in=amount_in, amount_out=amount_out, fees=(), marginal_price=marginal)


def test_a_price_is_per_whole_token() -> None:
    # 1.5 SOL (9 decimals) for 225.75 USDC (6 decimals).
    assert token_price(1_500_000_000, 225_750_000, 9, 6) == Decimal("150.5")
    assert token_price(225_750_000, 1_500_000_000, 6, 9) == Decimal("0.00664451827242524917")
    assert token_price(3, 1, 0, 0) == Decimal("0.333333333333333333")


def test_impact_is_what_is_lost_against_the_marginal_price() -> None:
    assert price_impact(_quote(1_000, 1_980, (2, 1))) == Decimal("0.01")
    assert price_impact(_quote(1_000, 2_000, (2, 1))) == 0
    assert price_impact(_quote(10**9, 1, (2**256, 2**128))) == 1
    assert price_impact(_quote(3, 2, (1, 1))) == Decimal("0.333333333")
