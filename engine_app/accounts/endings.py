"""Who holds a connection open learns at once that its session or API key has ended.

Postgres itself tells: a trigger notifies `credential_ended` in the very transaction that ends a session or revokes a
key, whoever does it. A notification may be lost with the connection that listens; so all that is being watched is
looked up whenever listening begins anew, and every few seconds besides, which finds what expired, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from engine_app.accounts import api_keys, sessions
from engine_app.accounts.service import Identity
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.telemetry.logging import get_logger

CHANNEL = "credential_ended"
LOOK_SECONDS = 10.0
RECONNECT_SECONDS = 0.5

log = get_logger(__name__)


class Endings:
    """The one listener of a web process."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
        """Listen until cancelled; reconnects."""
        while True:
            try:
                async with aclosing(self._database.notifications(CHANNEL, pause=LOOK_SECONDS)) as notices:
                    async for credential in notices:
                        if credential is None:
                            await self._look()
                            self.listening.set()
                        else:
                            self._end(credential)
            except DATABASE_AWAY as error:
                log.warning("endings.listener_lost", error=type(error).__name__)
            self.listening.clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _look(self) -> None:
        watched = set(self._watched)
        for credential in watched - await self._holding(watched):
            self._end(credential)

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

    def _end(self, credential: str) -> None:
        for watcher in self._watched.get(credential, ()):
            watcher.set()
