"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")


async def until(question: Callable[[], Awaitable[Value | None]], *, seconds: float = 30.0) -> Value:
    """The first true answer; fails where none comes within `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        answer = await question()
        if answer:
            return answer
        assert loop.time() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)
