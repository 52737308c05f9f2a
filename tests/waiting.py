"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")
Seen = TypeVar("Seen")


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


def wait_until(
    look: Callable[[], Seen], holds: Callable[[Seen], object] = bool, *, seconds: float = 30.0, pause: float = 0.02
) -> Seen:
    """What `look` sees once that is as it should be; fails with the last of it where that takes longer."""
    deadline = time.monotonic() + seconds
    while not holds(seen := look()):
        assert time.monotonic() < deadline, f"after {seconds:g} s still {seen!r}"
        time.sleep(pause)
    return seen
