"""Dividing an amount over pools, held against independent searches over measured pools of every venue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing.split import split
from engine_app.markets.venues.venue import Pool
from tests.markets.routing.measured import CLOCK, USDC, alone, at, paid, pool_sets, pools_of

GRID = 10_000
POOLS = pools_of(SOL, USDC)
SIDES = st.sampled_from((SOL, USDC))
AMOUNTS = st.builds(lambda digits, lead: lead * 10**digits // 1_000, st.integers(6, 14), st.integers(1_000, 9_999))


def divided(pools: Sequence[Pool], mint_in: Pubkey, amount: int, *, max_legs: int = 3, leg_cost: int = 0) -> int:
    """What the legs pay that are found, after every demand on them."""
    legs = split(
        pools,
        clock=CLOCK,
        mint_in=mint_in,
        mint_out=USDC if mint_in == SOL else SOL,
        amount_in=amount,
        max_legs=max_legs,
        leg_cost=leg_cost,
    )
    assert len(legs) <= max_legs
    assert len({leg.pool.address for leg in legs}) == len(legs)
    assert sum(leg.amount_in for leg in legs) == (amount if legs else 0)
    assert all(leg.amount_in > 0 and leg.amount_out > 0 and not leg.exact_out for leg in legs)
    assert [leg.amount_in for leg in legs] == sorted((leg.amount_in for leg in legs), reverse=True)
    for leg in legs:
        assert leg.pool.quote_exact_in(mint_in, leg.amount_in, CLOCK) == leg.quote
    return sum(leg.amount_out for leg in legs)


def best_on_grid(value: Callable[[int], int], amount: int, points: int, around: int = 20) -> tuple[int, int]:
    """The most that a part from 0 to `amount` gives on a grid, with local refinement down to single units; and it."""
    step = max(amount // points, 1)
    best = max((value(part), part) for part in (*range(0, amount + 1, step), amount))
    while step > 1:
        low, high = max(best[1] - step, 0), min(best[1] + step, amount)
        step = max((high - low) // around, 1)
        best = max(best, *((value(part), part) for part in range(low, high + 1, step)))
    return best


def over_two(first: Pool, second: Pool, mint_in: Pubkey, amount: int, points: int) -> int:
    return best_on_grid(lambda part: paid(first, mint_in, part) + paid(second, mint_in, amount - part), amount, points)[
        0
    ]


def assert_close(found: int, searched: int) -> None:
    assert found * 10_000 >= searched * 9_999, f"{found} of {searched}"


@settings(max_examples=40)
@given(pools=pool_sets(SOL, USDC, least=2, most=2), mint_in=SIDES, amount=st.integers(1, 2_000))
def test_small_amounts_over_two_pools_against_every_division(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    first, second = ([paid(pool, mint_in, part) for part in range(amount + 1)] for pool in pools)
    searched = max(first[part] + second[amount - part] for part in range(amount + 1))
    assert_close(divided(pools, mint_in, amount), searched)


@settings(max_examples=40)
@given(pools=pool_sets(SOL, USDC, least=3, most=3), mint_in=SIDES, amount=st.integers(1, 200))
def test_small_amounts_over_three_pools_against_every_division(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    first, second, third = ([paid(pool, mint_in, part) for part in range(amount + 1)] for pool in pools)
    searched = max(
        first[one] + second[two] + third[amount - one - two]
        for one in range(amount + 1)
        for two in range(amount + 1 - one)
    )
    assert_close(divided(pools, mint_in, amount), searched)


@settings(max_examples=8)
@given(pools=pool_sets(SOL, USDC, least=2, most=2), mint_in=SIDES, amount=AMOUNTS)
def test_amounts_over_two_pools_against_a_fine_grid(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    first, second = pools
    assert_close(divided(pools, mint_in, amount), over_two(first, second, mint_in, amount, GRID))


@settings(max_examples=6)
@given(pools=pool_sets(SOL, USDC, least=3, most=4), mint_in=SIDES, amount=AMOUNTS)
def test_amounts_over_several_pools_against_two_at_a_time(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    searched = max(over_two(first, second, mint_in, amount, 300) for first, second in combinations(pools, 2))
    assert_close(divided(pools, mint_in, amount, max_legs=2), searched)
    assert_close(divided(pools, mint_in, amount), searched)


@settings(max_examples=2)
@given(pools=pool_sets(SOL, USDC, least=8, most=8), mint_in=SIDES, amount=AMOUNTS)
def test_of_many_pools_the_right_ones_are_taken(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    searched = max(over_two(first, second, mint_in, amount, 40) for first, second in combinations(pools, 2))
    assert_close(divided(pools, mint_in, amount, max_legs=2), searched)


def test_a_pool_that_takes_little_and_pays_far_more_is_among_the_many() -> None:
    amount, little = 14_280_000_000_000, 14_280_000
    takes_little = [pool for pool in POOLS if paid(pool, USDC, amount // 512) < 0 < paid(pool, USDC, little)]
    generous = max(takes_little, key=lambda pool: paid(pool, USDC, little))
    others = [pool for pool in POOLS if paid(pool, USDC, amount) > 0][:7]
    assert paid(generous, USDC, little) > 1_000 * max(paid(pool, USDC, little) for pool in others)
    assert divided([*others, generous], USDC, amount) > 10 * divided(others, USDC, amount)


@settings(max_examples=4)
@given(pools=pool_sets(SOL, USDC, least=3, most=3), mint_in=SIDES, amount=AMOUNTS)
def test_amounts_over_three_pools_against_a_grid_of_two_parts(pools: list[Pool], mint_in: Pubkey, amount: int) -> None:
    first, second, third = pools

    def with_first(part: int) -> int:
        left = amount - part
        return (
            paid(first, mint_in, part)
            + best_on_grid(
                lambda other: paid(second, mint_in, other) + paid(third, mint_in, left - other), left, 20, 8
            )[0]
        )

    assert_close(divided(pools, mint_in, amount), best_on_grid(with_first, amount, 20, 8)[0])


@settings(max_examples=40)
@given(
    pools=pool_sets(SOL, USDC, least=1, most=12),
    mint_in=SIDES,
    amount=st.one_of(st.integers(1, 3_000), AMOUNTS),
    max_legs=st.integers(1, 3),
    leg_cost=st.sampled_from((0, 1, 10**6)),
)
def test_a_division_pays_for_its_legs(
    pools: list[Pool], mint_in: Pubkey, amount: int, max_legs: int, leg_cost: int
) -> None:
    best = alone(pools, mint_in, amount)
    legs = split(
        pools, clock=CLOCK, mint_in=mint_in, mint_out=USDC if mint_in == SOL else SOL, amount_in=amount,
        max_legs=max_legs, leg_cost=leg_cost,
    )  # fmt: skip
    more = divided(pools, mint_in, amount, max_legs=max_legs, leg_cost=leg_cost) - best
    assert more == 0 if len(legs) < 2 else more > leg_cost * (len(legs) - 1)
    again = split(
        pools[::-1], clock=CLOCK, mint_in=mint_in, mint_out=USDC if mint_in == SOL else SOL, amount_in=amount,
        max_legs=max_legs, leg_cost=leg_cost,
    )  # fmt: skip
    assert again == legs


def test_two_equal_pools_get_a_half_each() -> None:
    pool = next(pool for pool in POOLS if pool.venue == "raydium_cpmm")
    twins = [pool, at(pool, Pubkey.new_unique())]
    legs = split(twins, clock=CLOCK, mint_in=SOL, mint_out=USDC, amount_in=10**12, max_legs=3)
    assert len(legs) == 2
    assert abs(legs[0].amount_in - legs[1].amount_in) < 10**9
    assert sum(leg.amount_out for leg in legs) > alone(twins, SOL, 10**12)


def test_what_no_pool_takes_whole_may_still_be_divided() -> None:
    limited = next(
        pool for pool in POOLS if pool.venue == "meteora_dlmm" and paid(pool, SOL, 10**11) < 0 < paid(pool, SOL, 10**10)
    )
    most = max(10**10 * step // 100 for step in range(100, 1_000) if paid(limited, SOL, 10**10 * step // 100) > 0)
    twins = [limited, at(limited, Pubkey.new_unique())]
    amount = most * 3 // 2
    assert alone(twins, SOL, amount) == 0
    assert divided(twins, SOL, amount) > alone(twins, SOL, most)
    assert divided(twins, SOL, amount, max_legs=1) == 0
    assert divided(twins, SOL, 10 * most) == 0


@pytest.mark.parametrize("amount", [0, 1])
def test_next_to_nothing_is_not_divided(amount: int) -> None:
    legs = split(POOLS, clock=CLOCK, mint_in=USDC, mint_out=SOL, amount_in=amount, max_legs=3)
    assert len(legs) == min(amount, 1)
    assert split([], clock=CLOCK, mint_in=USDC, mint_out=SOL, amount_in=10**6, max_legs=3) == ()
