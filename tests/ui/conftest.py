"""A tab's event websocket without a browser, for what a browser would never send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import psycopg
import pytest
import socketio
from psycopg import sql

from tests.conftest import RunningEngine

QUIET_SECONDS = 1.0


@contextmanager
def database_refusing(database_url: str) -> Iterator[None]:
    """For the block, a database ends every connection and takes no new one."""
    server, _, name = database_url.rpartition("/")
    database = sql.Identifier(name)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))


class Tab:
    """One connection to the page's event websocket, and every change it was sent."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self._client = client
        self.updates: list[dict[str, Any]] = []

    async def send(self, event: str, payload: dict[str, Any] | None = None, *, path: str = "/") -> None:
        """Send an event by its full name, as if the page of this path had: the trade page where none is named."""
        router = {"pathname": path, "asPath": path, "query": {}}
        await self._client.emit(
            "event", {"name": event, "payload": payload or {}, "router_data": router}, namespace="/_event"
        )

    def values(self, name: str) -> list[Any]:
        """All values that a var of this name was sent with, by whatever state."""
        return [
            value
            for update in self.updates
            for state in (update.get("delta") or {}).values()
            for var, value in state.items()
            if var.removesuffix("_rx_state_") == name
        ]

    async def until(self, name: str, wanted: Callable[[Any], bool], seconds: float = 20.0) -> Any:
        """The first value of a var that is wanted; fails where none comes in time."""
        for _ in range(int(seconds / 0.05)):
            found = [value for value in self.values(name) if wanted(value)]
            if found:
                return found[0]
            await asyncio.sleep(0.05)
        raise AssertionError(f"no such {name} within {seconds} s: {self.values(name)}")

    def redirects(self) -> int:
        """How often the tab was sent to the log-in page."""
        return sum("'leave': '/login/'" in str(update.get("events")) for update in self.updates)

    async def until_redirected(self, times: int, event: str, seconds: float = 20.0) -> None:
        """Wait until the tab was sent to the log-in page so often; fails, naming the event, where it is not."""
        for _ in range(int(seconds / 0.05)):
            if self.redirects() >= times:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{event}: sent to log in {self.redirects()} times, not {times}: {self.updates}")

    async def ended(self, seconds: float = 20.0) -> None:
        """Wait until the server has ended the connection; fails where it does not."""
        for _ in range(int(seconds / 0.05)):
            if not self._client.connected:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"still connected after {seconds} s")

    async def quiet(self) -> None:
        """Wait until nothing has been sent for a second."""
        seen = -1
        while seen != len(self.updates):
            seen = len(self.updates)
            await asyncio.sleep(QUIET_SECONDS)


OpenTab = Callable[..., Any]


@pytest.fixture
def open_tab(engine: RunningEngine) -> OpenTab:
    """Opens tabs: `async with open_tab(cookie="…", origin="…", token="…", base_url="…") as tab`."""

    @asynccontextmanager
    async def connect(
        *, cookie: str = "", origin: str | None = None, token: str | None = None, base_url: str = engine.base_url
    ) -> AsyncIterator[Tab]:
        session = aiohttp.ClientSession()
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        tab = Tab(client)

        async def took(update: dict[str, Any]) -> None:
            tab.updates.append(update)

        client.on("event", took, namespace="/_event")
        headers = {"Origin": base_url if origin is None else origin}
        if cookie:
            headers["Cookie"] = cookie
        try:
            await client.connect(
                f"{base_url}/?token={token or uuid4()}",
                headers=headers,
                transports=["websocket"],
                socketio_path="/_event",
                namespaces=["/_event"],
                wait_timeout=10,
            )
            yield tab
        finally:
            await client.disconnect()
            await session.close()

    return connect
