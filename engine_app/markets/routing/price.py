"""Prices of quotes: per whole token, and against the pool's marginal price."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from engine_app.markets.venues.venue import SwapQuote

_PRICE = Context(prec=18, rounding=ROUND_HALF_EVEN)
_RATIO = Context(prec=40, rounding=ROUND_HALF_EVEN)
_IMPACT_STEP = Decimal("1e-9")


def token_price(amount_in: int, amount_out: int, decimals_in: int, decimals_out: int) -> Decimal:
    """tokenOut per tokenIn, whole tokens, 18 significant digits, from amounts in base units."""
    whole_out = _RATIO.scaleb(Decimal(amount_out), -decimals_out)
    whole_in = _RATIO.scaleb(Decimal(amount_in), -decimals_in)
    return _PRICE.divide(whole_out, whole_in)


def price_impact(quote: SwapQuote) -> Decimal:
    """1 − effective / marginal price, nine decimal places: what the trade loses against an infinitely small one
    before fees, by the pool's depth and by every fee together."""
    units_out, units_in = quote.marginal_price
    effective = Decimal(quote.amount_out * units_in)
    marginal = Decimal(quote.amount_in * units_out)
    return (1 - _RATIO.divide(effective, marginal)).quantize(_IMPACT_STEP, rounding=ROUND_HALF_EVEN)
