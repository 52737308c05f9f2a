"""Live updates through Redis: in order, to their user only, and nobody waits for Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from redis.asyncio import Redis

from engine_app import queue
from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.tokens import TokenList
from engine_app.orders import progress
from engine_app.orders.models import Order
from engine_app.orders.progress import ProgressFeed, ProgressPublisher
from engine_app.orders.updates import Stage, Update, update_of
from engine_app.storage.redis import connect
from tests.orders.conftest import Trader

TOKENS = TokenList(CLUSTERS["localnet"])
NewOrder = Callable[..., Awaitable[Order]]


@pytest.fixture
async def feed(redis_url: str) -> AsyncIterator[ProgressFeed]:
    listener = connect(redis_url, listens=True)
    running = ProgressFeed(listener)
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(10):
        await running.connected.wait()
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await listener.aclose()


@pytest.fixture
async def publisher(redis: Redis) -> AsyncIterator[ProgressPublisher]:
    running = ProgressPublisher(redis, TOKENS)
    task = asyncio.create_task(running.run())
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def taken(updates: AsyncIterator[Update | None], count: int) -> list[Update | None]:
    async with asyncio.timeout(10):
        return [await anext(updates) for _ in range(count)]


async def test_updates_come_in_order_with_every_digit(
    feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder
) -> None:
    order = await new_order(amount_in=Decimal(9_007_199_254_740_993_001))
    async with feed.follow(order.user_id) as updates:
        for seq in range(1, 101):
            order.seq = seq
            publisher.publish(Order(**order.model_dump()))
        seen = await taken(updates, 100)
    assert [update and update.seq for update in seen] == list(range(1, 101))
    assert seen[0] is not None
    assert (seen[0].user_id, seen[0].order_id, seen[0].stage) == (order.user_id, order.id, Stage.OPEN)
    assert (seen[0].order["tokenIn"], seen[0].order["amountInUnits"]) == ("SOL", "9007199254740993001")
    assert '"amountIn":9007199254.740993001,' in seen[0].text


async def test_a_late_publication_does_not_replace_a_later_state(
    redis: Redis, publisher: ProgressPublisher, feed: ProgressFeed, new_order: NewOrder
) -> None:
    order = await new_order()
    async with feed.follow(order.user_id) as updates:
        for seq in (3, 2):
            order.seq = seq
            publisher.publish(Order(**order.model_dump()))
        await taken(updates, 2)
    stored: object = await redis.execute_command("HGET", f"order:{order.id}", "seq")  # type: ignore[no-untyped-call]
    assert stored == "3"
    assert 3500 < await redis.ttl(f"order:{order.id}") <= 3600


async def test_nobody_gets_another_users_updates(
    feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder, trader: Trader
) -> None:
    order = await new_order()
    stranger = replace(trader, user_id=trader.user_id + 1)
    async with feed.follow(stranger.user_id) as theirs, feed.follow(order.user_id) as mine:
        publisher.publish(order)
        assert await taken(mine, 1) != [None]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(theirs)


async def test_silence_is_no_gap(feed: ProgressFeed) -> None:
    async with feed.follow(1) as updates:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await anext(updates)


async def test_a_follower_that_is_too_slow_is_told_to_read_again(
    feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FOLLOWER_BACKLOG", 4)
    order = await new_order()
    async with feed.follow(order.user_id) as slow:
        async with feed.follow(order.user_id) as quick:
            for seq in range(1, 7):
                order.seq = seq
                publisher.publish(Order(**order.model_dump()))
                await taken(quick, 1)
        first = await taken(slow, 1)
    assert first == [None]


async def test_only_the_channels_of_those_who_look_are_listened_to(
    redis: Redis, feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder
) -> None:
    order = await new_order()
    channel = progress.channel_of(order.user_id)
    assert await redis.pubsub_numsub(channel) == [(channel, 0)]
    async with feed.follow(order.user_id), feed.follow(order.user_id):
        assert await redis.pubsub_numsub(channel) == [(channel, 1)]
    async with feed.follow(order.user_id) as again:
        publisher.publish(order)
        assert await taken(again, 1) != [None]
    async with feed.follow(order.user_id + 1):
        assert await redis.pubsub_numsub(channel) == [(channel, 0)]


async def test_what_a_worker_of_the_version_before_tells_everybody_is_heard(
    redis: Redis, feed: ProgressFeed, new_order: NewOrder
) -> None:
    order = await new_order()
    told = update_of(order, TOKENS)
    async with feed.follow(order.user_id) as updates:
        await redis.publish(progress.CHANNEL, told.as_message())
        assert await taken(updates, 1) == [told]


async def test_after_a_lost_connection_a_follower_is_told_of_the_gap_and_hears_again(
    redis: Redis, feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder
) -> None:
    order = await new_order()
    async with feed.follow(order.user_id) as updates:
        await redis.client_kill_filter(_type="pubsub")
        assert await taken(updates, 1) == [None]
        publisher.publish(order)
        assert await taken(updates, 1) != [None]


async def test_a_redis_that_has_forgotten_the_script_is_told_all_the_same(
    redis: Redis, feed: ProgressFeed, publisher: ProgressPublisher, new_order: NewOrder
) -> None:
    order = await new_order()
    async with feed.follow(order.user_id) as updates:
        await redis.script_flush()
        publisher.publish(order)
        publisher.ask_a_worker(order.id)
        assert await taken(updates, 1) != [None]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(updates)


async def test_who_is_asked_for_is_found_by_a_consumer_that_wakes_at_once(
    redis_url: str, redis: Redis, publisher: ProgressPublisher, new_order: NewOrder
) -> None:
    order = await new_order()
    publisher.ask_a_worker(order.id)
    assert await redis.execute_command("BLPOP", "dramatiq:order-queue.wake", 10)  # type: ignore[no-untyped-call]

    def consume() -> tuple[str, tuple[str, ...]]:
        consumer = queue.broker(redis_url).consume(queue.ORDER_QUEUE)
        message = next(consumer)
        consumer.ack(message)  # type: ignore[no-untyped-call]
        return message.actor_name, message.args

    assert await asyncio.to_thread(consume) == (queue.EXECUTE, (str(order.id),))
    assert not await redis.exists("dramatiq:order-queue", "dramatiq:order-queue.msgs")


async def test_publishing_does_not_wait_for_a_redis_that_is_away(new_order: NewOrder) -> None:
    order = await new_order()
    away = connect("redis://127.0.0.1:1/0")
    publisher = ProgressPublisher(away, TOKENS)
    task = asyncio.create_task(publisher.run())
    began = asyncio.get_running_loop().time()
    for _ in range(100):
        publisher.publish(order)
    assert asyncio.get_running_loop().time() - began < 5
    await asyncio.sleep(0.3)
    assert not task.done(), "the publisher died with Redis"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await away.aclose()
