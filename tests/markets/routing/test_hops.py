"""Two hops: what the second spends is sure to be there, the floor holds, and what is left is no more than was said."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing import Terms, floor_out, leg_terms
from engine_app.markets.routing.hops import TwoHops, through_of, two_hops
from engine_app.markets.routing.price import price_impact
from engine_app.markets.venues.meteora_damm_v1 import DammV1Pool
from engine_app.markets.venues.meteora_damm_v2 import DammV2Pool
from engine_app.markets.venues.meteora_damm_v2_curves import PriceRange
from engine_app.markets.venues.raydium_amm_v4 import AmmV4Pool
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import ExactOutPool, Pool, QuoteRefused
from tests.markets.routing.measured import BONK, CLOCK, USDC, USDT, paid, pools_of

SLIPPAGE = Decimal("0.01")
WAYS = ((BONK, SOL, USDC), (USDC, SOL, BONK), (SOL, USDC, USDT), (SOL, USDC, BONK), (USDT, USDC, SOL))
TRADES = 1_000


def hops(
    way: tuple[Pubkey, Pubkey, Pubkey],
    amount: int,
    first: Sequence[Pool] | None = None,
    second: Sequence[Pool] | None = None,
    *,
    slippage: Decimal = SLIPPAGE,
    max_legs: int = 3,
) -> TwoHops | None:
    mint_in, between, mint_out = way
    return two_hops(
        pools_of(mint_in, between) if first is None else first,
        pools_of(between, mint_out) if second is None else second,
        clock=CLOCK,
        mint_in=mint_in,
        between=between,
        mint_out=mint_out,
        amount_in=amount,
        slippage=slippage,
        max_legs=max_legs,
        leg_cost=0,
    )


def moved(pool: Pool, factor: float) -> Pool | None:
    """The pool after others swapped there: its price of its first mint in its second is `factor` times what it was.
    None for venues of which a state cannot be made that easily."""
    root = factor**0.5
    if isinstance(pool, CpmmPool):
        return dataclasses.replace(
            pool,
            side_0=dataclasses.replace(pool.side_0, reserve=round(pool.side_0.reserve / root)),
            side_1=dataclasses.replace(pool.side_1, reserve=round(pool.side_1.reserve * root)),
        )
    if isinstance(pool, AmmV4Pool):
        return dataclasses.replace(
            pool,
            side_coin=dataclasses.replace(pool.side_coin, reserve=round(pool.side_coin.reserve / root)),
            side_pc=dataclasses.replace(pool.side_pc, reserve=round(pool.side_pc.reserve * root)),
        )
    if isinstance(pool, DammV2Pool) and isinstance(pool.curve, PriceRange):
        sqrt_price = round(pool.sqrt_price * root)
        return dataclasses.replace(
            pool, sqrt_price=sqrt_price, curve=dataclasses.replace(pool.curve, sqrt_price=sqrt_price)
        )
    if isinstance(pool, DammV1Pool):
        return dataclasses.replace(
            pool,
            side_a=dataclasses.replace(pool.side_a, shares=round(pool.side_a.shares / root)),
            side_b=dataclasses.replace(pool.side_b, shares=round(pool.side_b.shares * root)),
        )
    return None


def pays(terms: Terms, pool: Pool) -> tuple[int, int] | None:
    """What a leg takes and gives in a pool as it stands then; None where its program refuses the terms."""
    try:
        if terms.leg.exact_out:
            assert isinstance(pool, ExactOutPool)
            quote = pool.quote_exact_out(terms.leg.mint_in, terms.amount_out, CLOCK)
            return (quote.amount_in, quote.amount_out) if quote.amount_in <= terms.amount_in else None
        quote = pool.quote_exact_in(terms.leg.mint_in, terms.amount_in, CLOCK)
    except QuoteRefused:
        return None
    return (quote.amount_in, quote.amount_out) if quote.amount_out >= terms.amount_out else None


def test_a_thousand_trades_leave_no_more_than_was_said() -> None:
    dice = random.Random(20260131)  # noqa: S311
    ended: Counter[str] = Counter()
    most = 0
    while ended.total() < TRADES:
        way = dice.choice(WAYS)
        able = [[pool for pool in pools_of(*pair) if moved(pool, 1.0)] for pair in (way[:2], way[1:])]
        first, second = (dice.sample(pools, min(len(pools), 3)) for pools in able)
        found = hops(way, int(10 ** dice.uniform(7, 12)), first, second)
        if found is None:
            continue
        route, left = found.route, found.left_over
        through = route.through
        assert through is not None
        terms = leg_terms(route, SLIPPAGE, floor_out(route.amount_out, SLIPPAGE))
        slip = float(SLIPPAGE) * 0.99
        now = [moved(leg.pool, 1 + dice.uniform(-slip, slip)) for leg in route.legs]
        outcomes = [pays(term, pool) for term, pool in zip(terms, now, strict=True) if pool is not None]
        assert len(outcomes) == len(terms)
        if None in outcomes:
            ended["refused as a whole"] += 1
            continue
        (taken, brought), *ends = [outcome for outcome in outcomes if outcome is not None]
        assert taken <= route.amount_in
        assert brought >= through == sum(spent for spent, _ in ends)
        assert sum(received for _, received in ends) >= floor_out(route.amount_out, SLIPPAGE)
        if route.hops[0][0].exact_out:
            assert (left.mint, brought) == (way[0], through)
            leaves, of = route.amount_in - taken, route.amount_in
        else:
            assert (left.mint, taken) == (way[1], route.amount_in)
            leaves, of = brought - through, through
        assert leaves <= left.at_most
        assert left.expected <= left.at_most
        if price_impact(route.hops[0][0].quote) < Decimal("0.02"):
            most = max(most, leaves * 10_000 // of)
        ended["bought" if route.hops[0][0].exact_out else "sold"] += 1
    assert min(ended[end] for end in ("bought", "sold", "refused as a whole")) >= 20
    # Half of the slippage is room, all of it may come on top; where an amount moves the price, a part of it costs less.
    assert 100 < most < 160


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("amount", [10**7, 10**9, 10**11])
def test_the_parts_fit_together(way: tuple[Pubkey, Pubkey, Pubkey], amount: int) -> None:
    found = hops(way, amount)
    assert found is not None
    route = found.route
    (first,), ending = route.hops
    assert (first.mint_in, first.mint_out) == way[:2]
    assert {(leg.mint_in, leg.mint_out) for leg in ending} == {way[1:]}
    quoted = max(paid(pool, way[0], amount) for pool in pools_of(*way[:2]))
    assert route.through == through_of(quoted, SLIPPAGE) < quoted
    assert first.exact_out == isinstance(first.pool, ExactOutPool)
    if first.exact_out:
        assert first.amount_out == route.through
        assert 0 <= amount - first.amount_in == found.left_over.expected
    else:
        assert first.amount_in == amount
        assert first.amount_out - through_of(quoted, SLIPPAGE) == found.left_over.expected
    single = max(paid(pool, way[1], route.through) for pool in pools_of(*way[1:]))
    assert route.amount_out >= single
    assert len(route.legs) <= 3


def test_the_room_is_half_of_the_slippage_and_one_unit_at_least() -> None:
    assert through_of(10**9, Decimal("0.01")) == 995_000_000
    assert through_of(10**9, Decimal(0)) == 10**9 - 1
    assert through_of(100, Decimal("0.0001")) == 99
    assert through_of(1, Decimal("0.01")) == 0


def test_no_way_where_a_half_of_it_is_missing_or_refuses() -> None:
    way = WAYS[0]
    assert hops(way, 10**9, first=[]) is None
    assert hops(way, 10**9, second=[]) is None
    assert hops(way, 1) is None
    assert hops(way, 2**64) is None


def test_two_legs_leave_nothing_to_divide_the_second_hop_over() -> None:
    way = WAYS[0]
    wide, narrow = hops(way, 10**12), hops(way, 10**12, max_legs=2)
    assert wide is not None
    assert narrow is not None
    assert (len(wide.route.legs), len(narrow.route.legs)) == (3, 2)
    assert wide.route.amount_out > narrow.route.amount_out


def test_moving_a_pool_moves_its_price() -> None:
    pool = next(pool for pool in pools_of(SOL, USDC) if isinstance(pool, CpmmPool))
    up = moved(pool, 1.01)
    assert up is not None
    before, after = (one.quote_exact_in(SOL, 10**9, CLOCK).marginal_price for one in (pool, up))
    factor = Fraction(*after) / Fraction(*before)
    assert abs(factor - Fraction("1.01")) < Fraction(1, 10**8)
