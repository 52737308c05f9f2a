"""Reads of the same pools at the same moment become one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.methods import ADDRESSES_PER_CALL
from engine_app.markets.pools.batches import JOIN_SECONDS, Batches
from engine_app.markets.pools.known import KnownPool
from engine_app.markets.venues.registry import venues_for
from tests.markets.conftest import LOCALNET

VENUE = venues_for(LOCALNET)[0]
POOLS = [KnownPool(Pubkey.new_unique(), VENUE, tuple(Pubkey.new_unique() for _ in range(5))) for _ in range(10)]
CLOCK = Pubkey.new_unique()


class Node:
    """Takes reads and answers when told."""

    def __init__(self) -> None:
        self.reads: list[tuple[Pubkey, ...]] = []
        self.go = asyncio.Event()
        self.broken = False

    async def take(self, pools: Sequence[KnownPool], shared: Sequence[Pubkey]) -> int:
        self.reads.append(tuple(shared))
        number = len(self.reads)
        await self.go.wait()
        if self.broken:
            raise ConnectionError("no answer")
        return number


def taker() -> list[Pubkey]:
    return [CLOCK, *(Pubkey.new_unique() for _ in range(5))]


async def test_who_reads_at_the_same_moment_shares_one_call() -> None:
    node = Node()
    batches: Batches[str, int] = Batches(node.take)
    node.go.set()
    takers = [taker() for _ in range(6)]
    assert await asyncio.gather(*(batches.read("pair", POOLS, each) for each in takers)) == [1] * 6
    assert [set(read) for read in node.reads] == [{key for each in takers for key in each}]


async def test_who_comes_while_one_is_under_way_leaves_when_it_has_ended() -> None:
    node = Node()
    batches: Batches[str, int] = Batches(node.take)
    first = asyncio.create_task(batches.read("pair", POOLS, taker()))
    await asyncio.sleep(0.001)
    later = [asyncio.create_task(batches.read("pair", POOLS, taker())) for _ in range(4)]
    await asyncio.sleep(0)
    assert len(node.reads) == 1
    node.go.set()
    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 4


async def test_nobody_waits_long_for_a_slow_node() -> None:
    node = Node()
    batches: Batches[str, int] = Batches(node.take)
    first = asyncio.create_task(batches.read("pair", POOLS, taker()))
    await asyncio.sleep(0.001)
    second = asyncio.create_task(batches.read("pair", POOLS, taker()))
    await asyncio.sleep(20 * JOIN_SECONDS)
    assert len(node.reads) == 2
    node.go.set()
    assert (await first, await second) == (1, 2)


async def test_other_pools_and_what_does_not_fit_the_call_any_more_go_their_own_way() -> None:
    node = Node()
    node.go.set()
    batches: Batches[str, int] = Batches(node.take)
    room = (ADDRESSES_PER_CALL - 60 - 1) // 5
    same = [batches.read("pair", POOLS, taker()) for _ in range(room + 1)]
    other = batches.read("another", POOLS[:1], taker())
    moved = batches.read("pair", POOLS[1:], taker())
    answers = await asyncio.gather(*same, other, moved)
    assert len(node.reads) == 4
    assert answers[:room] == [1] * room
    assert len(set(answers[room:])) == 3
    assert all(len(read) + 60 <= ADDRESSES_PER_CALL for read in node.reads)


async def test_a_reader_that_goes_leaves_the_call_to_the_others_and_all_hear_of_a_failure() -> None:
    node = Node()
    batches: Batches[str, int] = Batches(node.take)
    hasty = asyncio.create_task(batches.read("pair", POOLS, taker()))
    patient = asyncio.create_task(batches.read("pair", POOLS, taker()))
    await asyncio.sleep(0.001)
    hasty.cancel()
    node.broken = True
    node.go.set()
    with pytest.raises(ConnectionError):
        await patient
    node.broken = False
    assert await batches.read("pair", POOLS, taker()) == 2


async def test_closing_cancels_what_is_under_way() -> None:
    batches: Batches[str, int] = Batches(Node().take)
    reading = asyncio.create_task(batches.read("pair", POOLS, taker()))
    await asyncio.sleep(0.001)
    await batches.close()
    with pytest.raises(asyncio.CancelledError):
        await reading
