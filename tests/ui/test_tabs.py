"""Updates in the groups in which they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine_app.ui import tabs


async def arriving(queue: asyncio.Queue[int | None]) -> AsyncIterator[int | None]:
    while True:
        yield await queue.get()


async def test_what_came_meanwhile_is_one_burst() -> None:
    queue: asyncio.Queue[int | None] = asyncio.Queue()
    bursts = tabs.bursts(arriving(queue), asyncio.Event())
    queue.put_nowait(1)
    assert await anext(bursts) == [1]
    for update in (2, None, 3):
        queue.put_nowait(update)
    await asyncio.sleep(0.05)
    assert await anext(bursts) == [2, None, 3]
    await bursts.aclose()


async def test_silence_is_an_empty_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "HEARTBEAT_SECONDS", 0.05)
    queue: asyncio.Queue[int | None] = asyncio.Queue()
    bursts = tabs.bursts(arriving(queue), asyncio.Event())
    assert await anext(bursts) == []
    queue.put_nowait(1)
    assert await anext(bursts) == [1]
    await bursts.aclose()


async def test_it_ends_at_once_and_hands_nothing_on() -> None:
    queue: asyncio.Queue[int | None] = asyncio.Queue()
    ended = asyncio.Event()
    bursts = tabs.bursts(arriving(queue), ended)
    waiting = asyncio.create_task(anext(bursts, "over"))
    await asyncio.sleep(0.02)
    ended.set()
    queue.put_nowait(1)
    assert await asyncio.wait_for(waiting, 5) == "over"


async def test_nothing_is_left_running_behind_it() -> None:
    before = asyncio.all_tasks()
    bursts = tabs.bursts(arriving(asyncio.Queue[int | None]()), asyncio.Event())
    waiting = asyncio.create_task(anext(bursts))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await bursts.aclose()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
