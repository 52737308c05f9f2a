"""What one process finds, all know; Redis may lose it or be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from engine_app.chain.rpc import Rpc
from engine_app.embedded.ports import free_port
from engine_app.localnet.server import Localnet
from engine_app.markets.errors import SearchNeedsLogin
from engine_app.markets.pools import Pools
from engine_app.markets.pools.shared import NOTHING_KEPT_SECONDS
from engine_app.markets.venues.registry import venues_for
from engine_app.storage.redis import connect
from tests.markets.conftest import LOCALNET, put
from tests.markets.pools.conftest import BONK, SOL, USDC, USDT, copies
from tests.waiting import until

SEARCHES = sum(len(venue.pool_filters(SOL, USDC)) for venue in venues_for(LOCALNET))
"""getProgramAccounts that one search for a pair makes."""


@asynccontextmanager
async def process(chain: Localnet, redis: Redis | None, **options: Any) -> AsyncIterator[Pools]:
    """Pools as a process of its own has them."""
    rpc = Rpc([chain.url], LOCALNET)
    await rpc.start()
    pools = Pools(rpc, LOCALNET, **{"refresh_seconds": 3600, "redis": redis} | options)
    yield pools
    await pools.close()
    await rpc.close()


def searches(chain: Localnet) -> int:
    """getProgramAccounts that the chain has answered."""
    return chain.endpoint.node.calls["getProgramAccounts"]


async def test_what_one_process_found_the_others_know(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web, process(chain, redis) as worker:
        found = await web.known(SOL, USDC)
        assert searches(chain) == SEARCHES
        assert {pool.accounts for pool in await worker.known(USDC, SOL)} == {pool.accounts for pool in found}
        assert searches(chain) == SEARCHES
        last = worker.last_search(SOL, USDC)
        assert last is not None
        assert 0 <= last.seconds_ago < 30
        assert last.without == frozenset()
        assert (await worker.snapshot(SOL, USDC)).pools


async def test_processes_that_ask_at_the_same_time_search_once(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web, process(chain, redis) as one, process(chain, redis) as two:
        asked = [pools.known(SOL, BONK) for pools in (web, one, two) for _ in range(3)]
        first, *others = await asyncio.gather(*asked)
        assert all([pool.address for pool in other] == [pool.address for pool in first] for other in others)
        assert searches(chain) == SEARCHES


async def test_one_process_searches_in_the_background_and_all_find_a_new_pool_in_time(
    chain: Localnet, redis: Redis
) -> None:
    period = 2.0
    options = {"refresh_seconds": period, "pairs": [(SOL, USDC)]}
    async with process(chain, redis, **options) as web, process(chain, redis, **options) as worker:
        await web.start()
        await worker.start()

        def sees(pools: Pools, count: int) -> Callable[[], Coroutine[Any, Any, bool]]:
            async def seen() -> bool:
                last = pools.last_search(SOL, USDC)
                return last is not None and len(await pools.known(SOL, USDC)) == count

            return seen

        for pools in (web, worker):
            await until(sees(pools, 2))
        await put(chain, copies("raydium_cpmm", 1))
        made_at, before = asyncio.get_running_loop().time(), searches(chain)
        for pools in (web, worker):
            await until(sees(pools, 3))
        took = asyncio.get_running_loop().time() - made_at
        assert took < 2 * period, "the period, and slack for a busy machine"
        assert searches(chain) - before <= SEARCHES * (1 + took / (0.8 * period)), "not every process for itself"


async def test_that_there_is_no_pool_is_shared_for_a_minute(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web, process(chain, redis) as worker:
        assert await web.known(BONK, USDT) == ()
        assert await worker.known(BONK, USDT) == ()
        assert searches(chain) == SEARCHES
        [key] = [key async for key in redis.scan_iter("pools:*")]
        assert 0 < await redis.ttl(key) <= NOTHING_KEPT_SECONDS


async def test_a_search_needs_a_login_but_what_is_known_does_not(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web, process(chain, redis) as worker:
        with pytest.raises(SearchNeedsLogin) as refused:
            await web.snapshot(SOL, USDC, discover=False)
        assert (refused.value.code, refused.value.status) == ("SEARCH_NEEDS_LOGIN", 401)
        assert not searches(chain)
        await worker.known(SOL, USDC)
        snapshot = await web.snapshot(SOL, USDC, through=[USDT], discover=False)
        assert len(snapshot.pools) == 2, "ways that nobody knows are left out"
        assert searches(chain) == SEARCHES


async def test_redis_may_lose_everything(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web, process(chain, redis) as worker:
        await web.known(SOL, USDC)
        await redis.flushdb()
        assert (await web.snapshot(SOL, USDC)).pools
        assert searches(chain) == SEARCHES
        assert len(await worker.known(SOL, USDC)) == 2
        assert searches(chain) == 2 * SEARCHES
        last = web.last_search(SOL, USDC)
        assert last is not None


@pytest.mark.parametrize("text", ["", "null", "[]", '{"pools": [["raydium_cpmm", "x", []]], "withoutSearch": []}'])
async def test_what_redis_holds_may_be_anything(chain: Localnet, redis: Redis, text: str) -> None:
    async with process(chain, redis) as web, process(chain, redis) as worker:
        await web.known(SOL, USDC)
        [key] = [key async for key in redis.scan_iter("pools:*")]
        await redis.set(key, text, ex=60)
        assert len(await worker.known(SOL, USDC)) == 2


async def test_redis_may_be_away(chain: Localnet) -> None:
    nowhere = connect(f"redis://127.0.0.1:{free_port()}/0")
    options = {"refresh_seconds": 0.5, "pairs": [(SOL, USDC)]}
    async with process(chain, nowhere, **options) as pools:
        assert len(await pools.known(SOL, USDC)) == 2
        await pools.start()
        await put(chain, copies("raydium_cpmm", 1))

        async def found() -> bool:
            return len(await pools.known(SOL, USDC)) == 3

        await until(found)
    await nowhere.aclose()


async def test_a_searcher_that_died_keeps_nobody_waiting_for_ever(chain: Localnet, redis: Redis) -> None:
    async with process(chain, redis) as web:
        await web.known(SOL, USDC)
        [key] = [key async for key in redis.scan_iter("pools:*")]
        low, high = sorted((SOL, BONK), key=bytes)
        lock = ":".join((*key.split(":")[:2], str(low), str(high), "lock"))
        await redis.set(lock, "somebody who is gone", px=700)
        assert len(await web.known(SOL, BONK)) == 2
