"""Live updates of orders through Redis. Losing them loses nothing: whoever watches re-reads Postgres.

Redis keys:
    order:{id}       hash      `view`, the order's JSON, `seq`, `user`; lives an hour after the last change
    orders:progress  channel   one message an event: `Update.as_message`
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine_app.markets.tokens import TokenList
from engine_app.orders.models import Order
from engine_app.orders.updates import Update, update_of
from engine_app.telemetry.logging import get_logger

CHANNEL = "orders:progress"
KEPT_SECONDS = 3600
BACKLOG = 10_000
FOLLOWER_BACKLOG = 256
RECONNECT_SECONDS = 0.5

STORE = """
if tonumber(ARGV[1]) >= tonumber(redis.call('HGET', KEYS[1], 'seq') or '0') then
    redis.call('HSET', KEYS[1], 'seq', ARGV[1], 'user', ARGV[2], 'view', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
"""
"""Keeps an order's newest state: one that web and a worker publish late never replaces a later one."""

log = get_logger(__name__)


class ProgressPublisher:
    """Publishes committed changes in the order in which they were given, without making anyone wait for Redis."""

    def __init__(self, redis: Redis, tokens: TokenList) -> None:
        self._redis = redis
        self._tokens = tokens
        self._waiting: asyncio.Queue[Order] = asyncio.Queue(BACKLOG)
        self._down = False

    def publish(self, order: Order) -> None:
        """Queue one committed state of an order; dropped with a log line where Redis has been away for long."""
        try:
            self._waiting.put_nowait(order)
        except asyncio.QueueFull:
            log.warning("progress.dropped", order=str(order.id), seq=order.seq)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < 64:
                batch.append(self._waiting.get_nowait())
            try:
                await self._send(batch)
                self._down = False
            except (RedisError, OSError) as error:
                if not self._down:
                    log.warning("progress.redis_away", error=str(error))
                self._down = True

    async def _send(self, batch: list[Order]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for order in batch:
                try:
                    update = update_of(order, self._tokens)
                except ValueError:
                    log.exception("progress.not_shown", order=str(order.id), seq=order.seq)
                    continue
                pipe.eval(STORE, 1, f"order:{order.id}", update.seq, update.user_id, update.text, KEPT_SECONDS)
                pipe.publish(CHANNEL, update.as_message())
            await pipe.execute()


class ProgressFeed:
    """The one subscription of a web process; fans updates out to the followers of each user.

    A follower that is too slow, and everyone after a gap in the connection, gets `None`: re-read the database.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._followers: dict[int, set[asyncio.Queue[Update | None]]] = {}
        self.connected = asyncio.Event()

    @asynccontextmanager
    async def follow(self, user_id: int) -> AsyncIterator[AsyncIterator[Update | None]]:
        """Updates of one user's orders from now on; subscribe first, then read the database.

        `None` means that some were lost.
        """
        queue: asyncio.Queue[Update | None] = asyncio.Queue(FOLLOWER_BACKLOG)
        self._followers.setdefault(user_id, set()).add(queue)

        async def updates() -> AsyncIterator[Update | None]:
            while True:
                yield await queue.get()

        try:
            yield updates()
        finally:
            followers = self._followers[user_id]
            followers.discard(queue)
            if not followers:
                del self._followers[user_id]

    async def run(self) -> None:
        """Hold the subscription until cancelled; reconnects and tells every follower of the gap."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as subscription:
                    await subscription.subscribe(CHANNEL)
                    async for message in subscription.listen():
                        if message["type"] == "subscribe":
                            self.connected.set()
                            self._tell_everyone(None)
                        elif message["type"] == "message":
                            self._deliver(message["data"])
            except (RedisError, OSError) as error:
                log.warning("progress.feed_lost", error=str(error))
            self.connected.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    def _deliver(self, message: str) -> None:
        try:
            update = Update.from_message(message)
        except ValueError:
            log.warning("progress.not_understood", length=len(message))
            return
        for queue in self._followers.get(update.user_id, ()):
            _offer(queue, update)

    def _tell_everyone(self, update: Update | None) -> None:
        for queues in self._followers.values():
            for queue in queues:
                _offer(queue, update)


def _offer(queue: asyncio.Queue[Update | None], update: Update | None) -> None:
    if not queue.full():
        queue.put_nowait(update)
        return
    with suppress(asyncio.QueueEmpty):
        while True:
            queue.get_nowait()
    queue.put_nowait(None)
