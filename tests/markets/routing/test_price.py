"""Prices per whole token, and price impact."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing import Leg, Route
from engine_app.markets.routing.price import price_impact, route_impact, sol_in, token_price
from engine_app.markets.venues.venue import SwapQuote
from tests.markets.routing.measured import CLOCK, USDC, pools_of


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


def _leg(amount_in: int, amount_out: int, marginal: tuple[int, int]) -> Leg:
    return Leg(pools_of(SOL, USDC)[0], SOL, USDC, _quote(amount_in, amount_out, marginal))


def test_legs_weigh_by_their_parts_and_hops_multiply() -> None:
    split = (_leg(750, 1_470, (2, 1)), _leg(250, 235, (1, 1)))
    # At marginal prices 1,500 and 250; 1,705 of these 1,750 are paid.
    assert route_impact(Route((split,), 1_000)) == Decimal("0.025714286")
    first = _leg(900, 810, (1, 1))
    assert route_impact(Route(((first,),), 1_000)) == Decimal("0.1")
    # What the first hop leaves of the 1,000 is not lost.
    assert route_impact(Route(((first,), split), 1_000)) == Decimal("0.123142857")
    assert route_impact(Route(((_leg(10, 7, (1, 1)),),), 10)) == price_impact(_quote(10, 7, (1, 1)))


def test_the_impact_of_a_route_is_that_of_exact_fractions() -> None:
    dice = random.Random(7)  # noqa: S311 - the same numbers every time

    def leg() -> Leg:
        units_out, units_in = dice.randrange(1, 2**128), dice.randrange(1, 2**128)
        amount_in = dice.randrange(1, 2**64)
        return _leg(
            amount_in, 1 + amount_in * units_out * dice.randrange(90, 100) // (100 * units_in), (units_out, units_in)
        )

    for _ in range(300):
        hops = tuple(tuple(leg() for _ in range(dice.randrange(1, 4))) for _ in range(dice.randrange(1, 3)))
        kept = Fraction(1)
        for hop in hops:
            marginal = (
                Fraction(leg.amount_in * leg.quote.marginal_price[0], leg.quote.marginal_price[1]) for leg in hop
            )
            kept *= Fraction(sum(leg.amount_out for leg in hop)) / sum(marginal, Fraction(0))
        exact = (1 - kept) * 10**9
        assert route_impact(Route(hops, 1)) == Decimal(round(exact)).scaleb(-9)


def test_lamports_are_priced_by_the_fullest_pool_that_trades() -> None:
    pools = [pool for pool in pools_of(SOL, USDC) if pool.venue == "raydium_cpmm"]
    fullest = max(pools, key=lambda pool: pool.reserve(SOL))
    units_out, units_in = fullest.quote_exact_in(SOL, 10**7, CLOCK).marginal_price
    assert sol_in(10**9, pools, CLOCK) == -(-(10**9) * units_out // units_in)
    assert sol_in(1, pools, CLOCK) == 1
    assert sol_in(10**9, [], CLOCK) is None
