"""Prices: per whole token, against marginal prices, and of lamports in another token."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.markets.routing.route import Route
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Pool, QuoteRefused, SwapQuote

_PRICE = Context(prec=18, rounding=ROUND_HALF_EVEN)
_RATIO = Context(prec=40, rounding=ROUND_HALF_EVEN)
_IMPACT_STEP = Decimal("1e-9")
_LITTLE_SOL = 10_000_000
"""Lamports for which a pool is asked its price of SOL."""


def token_price(amount_in: int, amount_out: int, decimals_in: int, decimals_out: int) -> Decimal:
    """tokenOut per tokenIn, whole tokens, 18 significant digits, from amounts in base units."""
    whole_out = _RATIO.scaleb(Decimal(amount_out), -decimals_out)
    whole_in = _RATIO.scaleb(Decimal(amount_in), -decimals_in)
    return _PRICE.divide(whole_out, whole_in)


def route_price(route: Route, decimals_in: int, decimals_out: int) -> Decimal:
    """The same of a route, per tokenIn that it takes; a first hop that buys an exact amount leaves some of it."""
    return token_price(sum(leg.amount_in for leg in route.hops[0]), route.amount_out, decimals_in, decimals_out)


def price_impact(quote: SwapQuote) -> Decimal:
    """1 − effective / marginal price, nine decimal places: what the trade loses against an infinitely small one
    before fees, by the pool's depth and by every fee together."""
    units_out, units_in = quote.marginal_price
    return _impact(quote.amount_out * units_in, quote.amount_in * units_out)


def route_impact(route: Route) -> Decimal:
    """The same of a whole route: 1 − effective / marginal price, nine decimal places.

    The marginal price of a hop is that of its legs, each weighted with its part of the amount; of two hops it is the
    product. What a first hop leaves with the user is not lost: each hop is held against what it took and gave.
    """
    effective = marginal = 1
    for hop in route.hops:
        # Fractions are added over their common denominator: to shorten each takes longer than all the rest.
        bought, shared = 0, 1
        for leg in hop:
            units_out, units_in = leg.quote.marginal_price
            bought = bought * units_in + leg.amount_in * units_out * shared
            shared *= units_in
        effective *= sum(leg.amount_out for leg in hop) * shared
        marginal *= bought
    return _impact(effective, marginal)


def sol_in(lamports: int, pools: Iterable[Pool], clock: ChainClock) -> int | None:
    """What lamports are worth in base units of the other mint of pools of SOL, rounded up; None where none tells.

    By the pool that holds most SOL and gives a quote.
    """
    for pool in sorted(pools, key=lambda pool: (-pool.reserve(WRAPPED_SOL_MINT), bytes(pool.address))):
        try:
            quote = pool.quote_exact_in(WRAPPED_SOL_MINT, _LITTLE_SOL, clock)
        except QuoteRefused:
            continue
        units_out, units_in = quote.marginal_price
        return -(-lamports * units_out // units_in)
    return None


def _impact(effective: int, marginal: int) -> Decimal:
    ratio = _RATIO.divide(Decimal(effective), Decimal(marginal))
    return (1 - ratio).quantize(_IMPACT_STEP, rounding=ROUND_HALF_EVEN)
