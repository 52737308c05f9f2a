"""A websocket that can be cut, however slow its other end is."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Send

POLICY_VIOLATION = 1008
CLOSE_SECONDS = 1.0


class Line:
    """The two ends of one websocket as the ASGI server gives them.

    Engine.IO writes and reads in a task each, and waits for both without a limit: a client that does not read could
    hold them for ever. Cutting the line ends both tasks.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._held_by: set[asyncio.Task[object]] = set()
        self._cut = False

    async def receive(self) -> Message:
        """The next message; a disconnection once the line was cut."""
        if self._cut:
            return {"type": "websocket.disconnect", "code": 1001}
        with _Held(self._held_by):
            return await self._receive()

    async def send(self, message: Message) -> None:
        """Send a message. Raises OSError once the line was cut."""
        if self._cut:
            raise OSError("the line was cut")
        with _Held(self._held_by):
            await self._send(message)

    async def hang_up(self) -> None:
        """Close the websocket itself where the line was cut; gives up on an end that does not take even that."""
        if self._cut:
            with suppress(Exception):
                await asyncio.wait_for(self._send({"type": "websocket.close", "code": POLICY_VIOLATION}), CLOSE_SECONDS)

    def cut(self) -> None:
        """End whoever waits to send or receive, and let nobody do so again."""
        self._cut = True
        for task in tuple(self._held_by):
            task.cancel()


class _Held:
    """Notes the running task among those that a line holds."""

    def __init__(self, holders: set[asyncio.Task[object]]) -> None:
        self._holders = holders
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._task is not None:
            self._holders.add(self._task)

    def __exit__(self, *_: object) -> None:
        if self._task is not None:
            self._holders.discard(self._task)
