"""Live updates of orders through Redis. Losing them loses nothing: whoever watches re-reads Postgres.

Redis keys:
    order:{id}              hash     `view`, the order's JSON, `seq`, `user`; lives an hour after the last change
    orders:progress:{user}  channel  one message an event: `Update.as_message`; web processes listen to the channels of
                                     the users who look, so that an order which nobody looks at wakes none of them
    orders:progress         channel  its subscription holds the connection; only older versions speak on it
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any
from uuid import UUID

import dramatiq
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError

from engine_app.markets.tokens import TokenList
from engine_app.orders.models import Order
from engine_app.orders.updates import Update, update_of
from engine_app.queue import enqueuing, order_message
from engine_app.telemetry.logging import get_logger

CHANNEL = "orders:progress"
KEPT_SECONDS = 3600
BACKLOG = 10_000
FOLLOWER_BACKLOG = 256
RECONNECT_SECONDS = 0.5
SUBSCRIBE_SECONDS = 1.0
"""How long a new follower waits for Redis to listen; what is missed after that is told as a gap."""

TELL = """
if tonumber(ARGV[1]) >= tonumber(redis.call('HGET', KEYS[1], 'seq') or '0') then
    redis.call('HSET', KEYS[1], 'seq', ARGV[1], 'user', ARGV[2], 'view', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6] .. ARGV[3])
"""
"""Keeps an order's newest state, one that web and a worker publish late never replaces a later one, and tells of it."""
TELL_DIGEST = sha1(TELL.encode(), usedforsecurity=False).hexdigest()
"""By which Redis knows the script."""

Command = tuple[str | bytes | int, ...]

log = get_logger(__name__)


class ProgressPublisher:
    """Publishes committed changes in the order in which they were given, without making anyone wait for Redis.

    Whoever places an order asks for a worker here as well: both leave in one round trip.
    """

    def __init__(self, redis: Redis, tokens: TokenList) -> None:
        self._redis = redis
        self._tokens = tokens
        self._waiting: asyncio.Queue[Order | dramatiq.Message[Any]] = asyncio.Queue(BACKLOG)
        self._down = False

    def publish(self, order: Order) -> None:
        """Queue one committed state of an order; dropped with a log line where Redis has been away for long."""
        try:
            self._waiting.put_nowait(order)
        except asyncio.QueueFull:
            log.warning("progress.dropped", order=str(order.id), seq=order.seq)

    def ask_a_worker(self, order_id: UUID) -> None:
        """Queue a message that has any worker execute an order; where it gets lost, their sweeper finds the order."""
        try:
            self._waiting.put_nowait(order_message(order_id))
        except asyncio.QueueFull:
            log.warning("progress.nobody_asked", order=str(order_id))

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

    async def _send(self, batch: Iterable[Order | dramatiq.Message[Any]]) -> None:
        told: list[Update] = []
        commands: list[Command] = []
        for item in batch:
            if isinstance(item, dramatiq.Message):
                commands += enqueuing(item)
                continue
            try:
                told.append(update_of(item, self._tokens))
            except ValueError:
                log.exception("progress.not_shown", order=str(item.id), seq=item.seq)
                continue
            commands.append(("EVALSHA", TELL_DIGEST, *_told(told[-1])))
        try:
            await self._execute(commands)
        except NoScriptError:
            # All else has been done.
            await self._execute([("EVAL", TELL, *_told(update)) for update in told])

    async def _execute(self, commands: Sequence[Command]) -> None:
        if len(commands) == 1:
            # As nearly every state of an order comes; a pipeline takes a third longer.
            await self._redis.execute_command(*commands[0])  # type: ignore[no-untyped-call]
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            await pipe.execute()


def _told(update: Update) -> tuple[str | int, ...]:
    """The key and the arguments of the script."""
    kept = (update.seq, update.user_id, update.text, KEPT_SECONDS)
    return (1, f"order:{update.order_id}", *kept, channel_of(update.user_id), update.head)


@dataclass(slots=True)
class _Ear:
    """One user's channel.

    Attributes:
        hears: Redis has said that this process listens to it.
        followers: the queues of those who follow.
        wanted_by: how many follow, or are about to.
    """

    hears: asyncio.Event = field(default_factory=asyncio.Event)
    followers: set[asyncio.Queue[Update | None]] = field(default_factory=set)
    wanted_by: int = 0


class ProgressFeed:
    """The one connection of a web process that listens; fans updates out to the followers of each user.

    A follower that is too slow, and everyone after a gap in the connection, gets `None`: re-read the database.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._ears: dict[int, _Ear] = {}
        self._connection: AbstractConnection | None = None
        self.connected = asyncio.Event()

    @asynccontextmanager
    async def follow(self, user_id: int) -> AsyncIterator[AsyncIterator[Update | None]]:
        """Updates of one user's orders from now on; subscribe first, then read the database.

        `None` means that some were lost.
        """
        ear = self._ears.setdefault(user_id, _Ear())
        ear.wanted_by += 1
        queue: asyncio.Queue[Update | None] = asyncio.Queue(FOLLOWER_BACKLOG)

        async def updates() -> AsyncIterator[Update | None]:
            while True:
                yield await queue.get()

        try:
            if ear.wanted_by == 1:
                await self._ask("SUBSCRIBE", [user_id])
            if self.connected.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(SUBSCRIBE_SECONDS):
                        await ear.hears.wait()
            ear.followers.add(queue)
            yield updates()
        finally:
            ear.followers.discard(queue)
            ear.wanted_by -= 1
            if not ear.wanted_by:
                del self._ears[user_id]
                await self._ask("UNSUBSCRIBE", [user_id])

    async def run(self) -> None:
        """Hold the connection until cancelled; reconnects and tells every follower of the gap."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as subscription:
                    await subscription.subscribe(CHANNEL)
                    self._connection = subscription.connection
                    async for message in subscription.listen():
                        await self._take(message["type"], message["channel"], message["data"])
            except (RedisError, OSError) as error:
                log.warning("progress.feed_lost", error=str(error))
            self._connection = None
            self.connected.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _take(self, kind: str, channel: str, data: str) -> None:
        if kind == "message":
            self._deliver(data)
        elif kind == "subscribe" and channel == CHANNEL:
            # The connection is new: nobody is listened to any more.
            for ear in self._ears.values():
                ear.hears.clear()
            self.connected.set()
            await self._ask("SUBSCRIBE", list(self._ears))
        elif kind == "subscribe" and (heard := self._ears.get(int(channel.removeprefix(f"{CHANNEL}:")))):
            heard.hears.set()
            for queue in heard.followers:
                _offer(queue, None)

    async def _ask(self, command: str, user_ids: list[int]) -> None:
        """Begin or end listening; does nothing without a connection, for a new one asks for all that is wanted.

        The command goes out past the library, which would answer a failure by reconnecting under whoever listens.
        """
        connection = self._connection
        if not user_ids or connection is None or not connection.is_connected:
            return
        with suppress(RedisError, OSError):
            await connection.send_command(command, *map(channel_of, user_ids), check_health=False)

    def _deliver(self, message: str) -> None:
        try:
            update = Update.from_message(message)
        except ValueError:
            log.warning("progress.not_understood", length=len(message))
            return
        ear = self._ears.get(update.user_id)
        for queue in () if ear is None else ear.followers:
            _offer(queue, update)


def channel_of(user_id: int) -> str:
    """The channel on which it is told what happens to a user's orders."""
    return f"{CHANNEL}:{user_id}"


def _offer(queue: asyncio.Queue[Update | None], update: Update | None) -> None:
    if not queue.full():
        queue.put_nowait(update)
        return
    with suppress(asyncio.QueueEmpty):
        while True:
            queue.get_nowait()
    queue.put_nowait(None)
