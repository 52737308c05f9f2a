"""Prices over sizes: every point is the best pool's own answer, and the lead changes where it is said to."""

from __future__ import annotations

import dataclasses

import pytest
from solders.pubkey import Pubkey

from engine_app.markets.routing.sizes import CLOSE_ENOUGH, SPREAD, STEPS, price_by_size
from engine_app.markets.venues.meteora_damm_v2 import DammV2Pool
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import Dex, Pool
from tests.markets.venues.vectors import load, state

SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
CLOCK = state("meteora_damm_v2", "dammv2-sol-usdc-5bp").clock
WHOLE_SOL = 10**9


def pool_of(venue: str, label: str) -> Pool:
    found = state(venue, label)
    return load(venue).venue.decode(found.cases[0].pool, found.accounts)


def cheap_and_shallow() -> Pool:
    """Meteora's pool, with a fee that makes it the better one for small amounts only."""
    pool = pool_of("meteora_damm_v2", "dammv2-sol-usdc-5bp")
    assert isinstance(pool, DammV2Pool)
    return pool


def dear_and_deep() -> Pool:
    """A Raydium pool at the very same price, a thousand times as deep, with five times the fee."""
    shallow = cheap_and_shallow()
    quote = shallow.quote_exact_in(SOL, WHOLE_SOL, CLOCK)
    units_out, units_in = quote.marginal_price
    pool = pool_of("raydium_cpmm", "cpmm-sol-usdc-25bp")
    assert isinstance(pool, CpmmPool)
    depth = 10**6 * WHOLE_SOL
    return dataclasses.replace(
        pool,
        side_0=dataclasses.replace(pool.side_0, reserve=depth),
        side_1=dataclasses.replace(pool.side_1, reserve=depth * units_out // units_in),
    )


def best(pools: list[Pool], dex: Dex, amount: int) -> int:
    return max(pool.quote_exact_in(SOL, amount, CLOCK).amount_out for pool in pools if pool.dex == dex)


def test_every_point_is_what_the_best_pool_pays() -> None:
    pools = [cheap_and_shallow(), dear_and_deep(), pool_of("raydium_cpmm", "cpmm-sol-usdc-100bp/traded0")]
    found = price_by_size(pools, clock=CLOCK, mint_in=SOL, mint_out=USDC, around=WHOLE_SOL)
    sizes = [point.amount_in for point in found.points]
    assert sizes == sorted(set(sizes))
    assert len(sizes) == 2 * STEPS + 1
    assert WHOLE_SOL in sizes
    assert (sizes[0], sizes[-1]) == (WHOLE_SOL // SPREAD, WHOLE_SOL * SPREAD)
    for point in found.points:
        assert point.amounts_out == {dex: best(pools, dex, point.amount_in) for dex in Dex}


def test_the_lead_changes_where_it_is_said_to() -> None:
    pools = [cheap_and_shallow(), dear_and_deep()]
    found = price_by_size(pools, clock=CLOCK, mint_in=SOL, mint_out=USDC, around=10 * WHOLE_SOL)
    (overtaking,) = found.overtakings
    assert overtaking.leader == Dex.RAYDIUM
    size = overtaking.amount_in
    assert best(pools, Dex.RAYDIUM, size) > best(pools, Dex.METEORA, size)
    before = size - size // CLOSE_ENOUGH - 2
    assert best(pools, Dex.RAYDIUM, before) < best(pools, Dex.METEORA, before)
    assert found.points[0].leader == Dex.METEORA
    assert found.points[-1].leader == Dex.RAYDIUM


def test_one_exchange_alone_overtakes_nobody() -> None:
    found = price_by_size([cheap_and_shallow()], clock=CLOCK, mint_in=SOL, mint_out=USDC, around=WHOLE_SOL)
    assert all(set(point.amounts_out) == {Dex.METEORA} for point in found.points)
    assert found.overtakings == ()


@pytest.mark.parametrize("around", [1, 7, 99])
def test_the_smallest_amounts_have_fewer_sizes(around: int) -> None:
    found = price_by_size([dear_and_deep()], clock=CLOCK, mint_in=SOL, mint_out=USDC, around=around)
    assert all(point.amount_in > 0 for point in found.points)


def test_pools_of_other_pairs_are_left_out() -> None:
    other = Pubkey.new_unique()
    found = price_by_size([cheap_and_shallow()], clock=CLOCK, mint_in=SOL, mint_out=other, around=WHOLE_SOL)
    assert found.points == ()
    assert found.overtakings == ()
