"""Loops that run for as long as their process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_PAUSE_SECONDS = 1.0


def keep_running(run: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
    """Run an endless loop as a task. One that ends by an error nobody foresaw (a node's answer out of any shape)
    is logged with its traceback and begun again after a second, for its process must not go on without it."""

    async def kept() -> None:
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001 - logged in full, and the loop is begun again
                _log.exception("background loop failed, beginning again", loop=name)
            await asyncio.sleep(_PAUSE_SECONDS)

    return asyncio.create_task(kept(), name=name)


async def stop(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel loops and wait until they have ended."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
