"""Dividing pools over calls."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.methods import ADDRESSES_PER_CALL
from engine_app.markets.pools.known import KnownPool, within
from engine_app.markets.pools.reading import plan
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET

VENUE = venues_for(LOCALNET)[0]
KEYS = [Pubkey.new_unique() for _ in range(400)]


def _pools(sizes: list[int], shared: int) -> list[KnownPool]:
    """Pools that need so many further accounts each, the first `shared` of them the same ones."""
    rest = iter(KEYS[50:])
    return [
        KnownPool(next(rest), VENUE, (*KEYS[: min(size, shared)], *(next(rest) for _ in range(max(0, size - shared)))))
        for size in sizes
    ]


@given(sizes=st.lists(st.integers(0, 14), max_size=22), shared=st.integers(0, 3), extra=st.integers(0, 30))
def test_no_call_is_too_large_and_no_pool_lies_in_two(sizes: list[int], shared: int, extra: int) -> None:
    along = [Pubkey.new_unique() for _ in range(extra)]
    pools = _pools(sizes, shared)
    first, *others = chunks = plan(along, pools)
    assert set(along) <= set(first.addresses)
    assert Counter(pool.address for chunk in chunks for pool in chunk.pools) == Counter(pool.address for pool in pools)
    for chunk in chunks:
        assert len(set(chunk.addresses)) == len(chunk.addresses) <= ADDRESSES_PER_CALL
        assert {key for pool in chunk.pools for key in pool.accounts} <= set(chunk.addresses)
    assert all(chunk.pools for chunk in others)
    if len({*along, *(key for pool in pools for key in pool.accounts)}) <= ADDRESSES_PER_CALL:
        assert not others


def test_the_first_pools_get_the_room_there_is() -> None:
    pools = _pools([3, 3, 3], shared=2)
    assert within(pools, 8) == tuple(pools)
    assert within(pools, 7) == tuple(pools[:2])
    assert within(pools, 3) == ()
