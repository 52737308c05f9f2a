"""What an order costs Redis, and how many bytes tell of it: no times, so that nothing here depends on the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import orjson
import pytest
from redis import Redis

from engine_app.accounts.quotas import WINDOW_SECONDS
from tests.conftest import RunningEngine
from tests.listening import listener
from tests.trading import Bot, bot

ORDERS = 4
EVENTS = ("placed", "routing", "routed", "submitted", "confirmed", "finalized")
MOST_BYTES_AN_UPDATE = 1_000

ONCE_AN_ORDER = {"incrby": 2, "rpush": 2, "ltrim": 1, "sadd": 1, "srem": 1, "hdel": 1}
"""A placing request counts for its address and for its account. A message goes into the queue, with a wake-up of which
the list keeps few; it is taken, and done with."""
BY_THE_CLOCK = {
    "blpop", "zadd", "lpop", "zrangebyscore", "keys", "zrem",
    "auth", "hello", "ping", "client|setinfo", "info", "config|get", "subscribe", "script|load",
}  # fmt: skip
"""What idle consumers do, the cleaning up that one look in a hundred brings with it, and what comes with a
connection."""


@pytest.fixture(scope="module")
def trader(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url) as made:
        yield made


def commands(redis: Redis) -> dict[str, int]:
    """How often each command was called."""
    told = redis.info("commandstats")
    assert isinstance(told, dict)
    return {name.removeprefix("cmdstat_"): int(stats["calls"]) for name, stats in told.items()}


async def beginning_of_a_window() -> None:
    """Wait until a window of the request counters has just begun."""
    await asyncio.sleep(WINDOW_SECONDS - time.time() % WINDOW_SECONDS + 0.05)


async def test_what_an_order_asks_of_redis_and_tells_its_listener(engine: RunningEngine, trader: Bot) -> None:
    redis = Redis.from_url(engine.redis_url)
    trader.wait_for_event(trader.place("SOL", "USDC", "0.1"), "finalized")
    token = trader.client.headers["Authorization"].removeprefix("Bearer ")
    async with listener(engine.base_url, {"token": token}) as live:
        await live.subscribe({})
        await beginning_of_a_window()
        before = commands(redis)
        placed = [await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1") for _ in range(ORDERS)]
        told = [update for order_id in placed for update in await live.finalized(order_id)]
        after = commands(redis)
    redis.close()
    asked = {name: (after[name] - before.get(name, 0)) / ORDERS for name in after}
    # Each event keeps the state and tells of it; so does a count of blocks, once a second, while an order waits.
    told_of = asked.pop("publish")
    assert len(EVENTS) <= told_of <= len(EVENTS) + 1
    assert asked.pop("hget") == told_of
    # The first request of the window says for either count when it ends.
    assert asked.pop("expire") == told_of + ONCE_AN_ORDER["incrby"] / ORDERS
    # Of two states that leave at the same time the later one stays; the message is kept in a hash as well.
    assert told_of <= asked.pop("hset") <= told_of + 1
    # One look of a consumer may find several messages.
    assert 1 / ORDERS <= asked.pop("hmget") <= 1
    # Every script tells of an order, counts a request, or is a consumer's look.
    assert asked.pop("evalsha") == told_of + asked["incrby"] + asked["zadd"]
    assert {name: times for name, times in asked.items() if times and name not in BY_THE_CLOCK} == ONCE_AN_ORDER
    known = {(update["orderId"], update["seq"]) for update in told}
    assert known == {(order_id, seq) for order_id in placed for seq in range(1, len(EVENTS) + 1)}
    largest = max(len(orjson.dumps(update)) for update in told)
    assert largest <= MOST_BYTES_AN_UPDATE
