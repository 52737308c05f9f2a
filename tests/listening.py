"""A program that listens over Socket.IO, as tests use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import socketio


class Listener:
    """One socket and every update that it was told."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self._client = client
        self._news = asyncio.Event()
        self.updates: list[dict[str, Any]] = []
        self.dropped = asyncio.Event()
        client.on("order:update", self._told)
        client.on("disconnect", self._drop)

    async def _told(self, update: dict[str, Any]) -> None:
        self.updates.append(update)
        self._news.set()

    async def _drop(self, *_: Any) -> None:
        self.dropped.set()

    async def call(self, event: str, argument: Any) -> dict[str, Any]:
        """Emit an event and give its ack."""
        return dict(await self._client.call(event, argument, timeout=30))

    async def subscribe(self, wish: Any) -> dict[str, Any]:
        """Emit `subscribe` and give its ack."""
        return await self.call("subscribe", wish)

    def of(self, order_id: str) -> list[dict[str, Any]]:
        """The updates of one order."""
        return [update for update in self.updates if update["orderId"] == order_id]

    def seqs(self, order_id: str) -> list[int]:
        """Which events of an order were told, in the order of telling."""
        return [update["seq"] for update in self.of(order_id)]

    async def until(self, condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Return once something is so; fails where that takes longer."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def finalized(self, order_id: str) -> list[dict[str, Any]]:
        """The updates of an order once it has come to its very end."""
        await self.until(lambda: bool(self.of(order_id)) and _is_final(self.of(order_id)[-1]))
        return self.of(order_id)


def _is_final(update: dict[str, Any]) -> bool:
    return update["status"] == "failed" or update["finalizedAt"] is not None


@asynccontextmanager
async def listener(
    base_url: str, auth: Any, *, transports: tuple[str, ...] = ("websocket",)
) -> AsyncIterator[Listener]:
    """A connected socket; raises socketio's ConnectionError where it is refused."""
    client = socketio.AsyncClient(reconnection=False)
    made = Listener(client)
    try:
        await client.connect(base_url, auth=auth, transports=list(transports), wait_timeout=10)
        yield made
    finally:
        await client.disconnect()
        await client.shutdown()
