"""A tab's event websocket without a browser, for what a browser would never send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import socketio

from tests.conftest import RunningEngine

QUIET_SECONDS = 1.0


class Tab:
    """One connection to the page's event websocket, and every change it was sent."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self._client = client
        self.updates: list[dict[str, Any]] = []

    async def send(self, event: str, payload: dict[str, Any] | None = None) -> None:
        """Send an event by its full name, as if the trade page had."""
        router = {"pathname": "/", "asPath": "/", "query": {}}
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

    async def quiet(self) -> None:
        """Wait until nothing has been sent for a second."""
        seen = -1
        while seen != len(self.updates):
            seen = len(self.updates)
            await asyncio.sleep(QUIET_SECONDS)


OpenTab = Callable[..., Any]


@pytest.fixture
def open_tab(engine: RunningEngine) -> OpenTab:
    """Opens tabs: `async with open_tab(cookie="…", origin="…", token="…") as tab`."""

    @asynccontextmanager
    async def connect(*, cookie: str = "", origin: str | None = None, token: str | None = None) -> AsyncIterator[Tab]:
        session = aiohttp.ClientSession()
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        tab = Tab(client)

        async def took(update: dict[str, Any]) -> None:
            tab.updates.append(update)

        client.on("event", took, namespace="/_event")
        headers = {"Origin": engine.base_url if origin is None else origin}
        if cookie:
            headers["Cookie"] = cookie
        try:
            await client.connect(
                f"{engine.base_url}/?token={token or uuid4()}",
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
