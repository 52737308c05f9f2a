"""Who holds a connection open learns at once that its session or API key has ended.

Postgres decides; Redis only hurries the news along. Whoever ends a session or revokes a key says so on a channel once
it is committed. News may be lost, and who ends a session may have no Redis: so all that is watched is looked up in
Postgres again and again, by one read for all of it, which finds what expired, too.

Redis keys:
    accounts:ended  channel  credentials that have ended, a space between two: `session:7 key:3`
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine_app.accounts import api_keys, sessions
from engine_app.accounts.service import Identity
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.telemetry.logging import get_logger

CHANNEL = "accounts:ended"
LOOK_SECONDS = 2.0
"""How late an ending is seen at the most, whatever happened to Redis."""
RECONNECT_SECONDS = 0.5

log = get_logger(__name__)


async def tell(redis: Redis, credentials: Iterable[str]) -> None:
    """Hurry on the news that sessions or keys have ended; where Redis is away the next look finds it."""
    ended = " ".join(credentials)
    if not ended:
        return
    try:
        await redis.publish(CHANNEL, ended)
    except (RedisError, OSError) as error:
        log.warning("endings.not_told", error=type(error).__name__)


class Endings:
    """The one listener of a web process.

    Args:
        database: where sessions and keys are looked up.
        redis: a client that may wait for messages without end.
    """

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._redis = redis
        self._watched: dict[str, set[asyncio.Event]] = {}
        self.listening = asyncio.Event()

    @asynccontextmanager
    async def watch(self, identity: Identity) -> AsyncIterator[asyncio.Event]:
        """An event that is set once the session or key which `identity` came from has ended.

        What ended between `Accounts.authenticate` and this call is seen too: it is looked up as the block begins.
        """
        ended = asyncio.Event()
        credential = identity.credential
        self._watched.setdefault(credential, set()).add(ended)
        try:
            if credential not in await self._holding({credential}):
                ended.set()
            yield ended
        finally:
            watchers = self._watched[credential]
            watchers.discard(ended)
            if not watchers:
                del self._watched[credential]

    async def until_ended(self, identity: Identity) -> None:
        """Return once the session or key which `identity` came from has ended."""
        async with self.watch(identity) as ended:
            await ended.wait()

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._listen())
            both.create_task(self._look())

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as subscription:
                    await subscription.subscribe(CHANNEL)
                    async for message in subscription.listen():
                        if message["type"] == "subscribe":
                            self.listening.set()
                        elif message["type"] == "message":
                            self._end(message["data"].split())
            except (RedisError, OSError) as error:
                log.warning("endings.listener_lost", error=type(error).__name__)
            self.listening.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if watched := set(self._watched):
                try:
                    self._end(watched - await self._holding(watched))
                except DATABASE_AWAY as error:
                    log.warning("endings.database_away", error=type(error).__name__)

    async def _holding(self, credentials: set[str]) -> set[str]:
        ids: dict[str, list[int]] = {"session": [], "key": []}
        for credential in credentials:
            kind, _, number = credential.partition(":")
            ids[kind].append(int(number))
        holding: set[str] = set()
        async with self._database.transaction() as session:
            if ids["session"]:
                holding |= {f"session:{held}" for held in await sessions.still_holding(session, ids["session"])}
            if ids["key"]:
                holding |= {f"key:{held}" for held in await api_keys.still_holding(session, ids["key"])}
        return holding

    def _end(self, credentials: Iterable[str]) -> None:
        for credential in credentials:
            for watcher in self._watched.get(credential, ()):
                watcher.set()
