"""Reads of the same things at the same moment become one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from solders.pubkey import Pubkey

from engine_app.chain.call_counts import counted_apart
from engine_app.markets.pools.known import KnownPool
from engine_app.markets.pools.reading import plan

JOIN_SECONDS = 0.01
"""Longest that a read waits for one of the same pools that is under way, so that whoever comes meanwhile joins it."""

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class _Batch(Generic[Answer]):
    """Pools, and the accounts that everybody who joined wants along with them."""

    def __init__(self, pools: Sequence[KnownPool], shared: Sequence[Pubkey]) -> None:
        self.pools = pools
        self.shared = dict.fromkeys(shared)
        self.task: asyncio.Task[Answer]

    def takes(self, pools: Sequence[KnownPool], shared: Sequence[Pubkey]) -> bool:
        """Whether somebody can join without making the batch one call larger."""
        if self.pools != pools:
            return False
        return len(plan((*self.shared, *shared), pools)) == len(plan((*self.shared,), pools))


class Batches(Generic[Key, Answer]):
    """Takes readers of the same pools together.

    A lone reader's call leaves at once. Who comes while one is under way leaves when that has ended, and not later than
    `JOIN_SECONDS` on, together with all who came until then.
    """

    def __init__(self, take: Callable[[Sequence[KnownPool], Sequence[Pubkey]], Awaitable[Answer]]) -> None:
        """`take` reads pools and further accounts; its calls are no order's own."""
        self._take = take
        self._open: dict[Key, _Batch[Answer]] = {}
        self._last: dict[Key, asyncio.Task[Answer]] = {}

    async def read(self, key: Key, pools: Sequence[KnownPool], shared: Sequence[Pubkey]) -> Answer:
        """What was read for this reader, and perhaps for others; raises what reading raises.

        Args:
            key: what is read; readers of the same key may share.
            pools: the pools.
            shared: further accounts that this reader wants.
        """
        batch = self._open.get(key)
        if batch is None or not batch.takes(pools, shared):
            batch = self._open[key] = _Batch(pools, shared)
            batch.task = asyncio.create_task(self._run(key, batch, self._last.get(key)))
            batch.task.add_done_callback(_looked_at)
            self._last[key] = batch.task
        else:
            batch.shared.update(dict.fromkeys(shared))
        return await asyncio.shield(batch.task)

    async def close(self) -> None:
        """Cancel every read under way."""
        under_way = list(self._last.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _run(self, key: Key, batch: _Batch[Answer], before: asyncio.Task[Answer] | None) -> Answer:
        try:
            if before is not None and not before.done():
                await asyncio.wait({before}, timeout=JOIN_SECONDS)
            if self._open.get(key) is batch:
                del self._open[key]
            with counted_apart():
                return await self._take(batch.pools, tuple(batch.shared))
        finally:
            if self._last.get(key) is batch.task:
                del self._last[key]


def _looked_at(task: asyncio.Task[Answer]) -> None:
    """Keep asyncio from reporting a failure whose every reader has gone."""
    if not task.cancelled():
        task.exception()
