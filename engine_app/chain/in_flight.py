"""At most one call at a time per key; whoever asks meanwhile gets the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class InFlight(Generic[Key, Answer]):
    """Calls under way, by their key."""

    def __init__(self) -> None:
        self._calls: dict[Key, asyncio.Task[Answer]] = {}

    async def share(self, key: Key, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer of the call under way for `key`, else of a new one; raises what the call raises.

        A caller that is cancelled leaves the call to the others.
        """
        task = self._calls.get(key)
        if task is None:
            task = self._calls[key] = asyncio.create_task(call())
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def _finished(self, key: Key, task: asyncio.Task[Answer]) -> None:
        del self._calls[key]
        if not task.cancelled():
            task.exception()  # Looked at, so that asyncio does not report it where every caller has gone.

    async def close(self) -> None:
        """Cancel every call under way."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
