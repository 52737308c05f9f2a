"""A warm blockhash, and the chain's measured pace."""

from __future__ import annotations

import asyncio
import time

from engine_app.chain.answers import Blockhash
from engine_app.chain.background import keep_running, stop
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.slot_clock import BEHIND_FOR_GOOD_SECONDS, SlotClock
from engine_app.chain.stream import Stream
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_REFRESH_SECONDS = 1.0
_CALIBRATE_EVERY = 5
_STALE_REFRESHES = 3
_SILENT_STREAM_SECONDS = 3.0


class Blockhashes:
    """Keeps a `confirmed` blockhash fresh and measures slots, for one process."""

    def __init__(self, rpc: Rpc, stream: Stream, *, refresh_seconds: float = _REFRESH_SECONDS) -> None:
        self._rpc = rpc
        self._refresh_seconds = refresh_seconds
        self._clock = SlotClock()
        self._stream_moment = float("-inf")
        self._latest: Blockhash | None = None
        self._taken = float("-inf")
        self._newest = float("-inf")
        self._refreshing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        stream.on_slot(self._saw_stream_slot)

    async def start(self) -> None:
        """Begin to refresh in the background; does not wait for the first answer."""
        self._task = keep_running(self._run, "chain-blockhash")

    async def close(self) -> None:
        """Stop refreshing."""
        await stop(self._task)

    async def latest(self) -> Blockhash:
        """The warm blockhash; read now where the background has not got one for three refreshes.

        Raises:
            RpcUnavailable: no node gives one.
        """
        if self._latest is None or time.monotonic() - self._taken > _STALE_REFRESHES * self._refresh_seconds:
            async with self._refreshing:
                if time.monotonic() - self._taken > self._refresh_seconds:
                    self._keep(await self._rpc.latest_blockhash())
        if self._latest is None:
            raise RpcUnavailable("no blockhash yet")
        return self._latest

    @property
    def slot_ms(self) -> float:
        """Milliseconds that a slot takes now, measured."""
        return self._clock.slot_ms

    @property
    def slot(self) -> int:
        """The newest slot seen; an estimate."""
        return self._clock.slot

    @property
    def block_height(self) -> int | None:
        """The newest block height; an estimate, exact but for slots skipped in the last seconds. None before the
        first was read."""
        return self._clock.block_height

    async def _run(self) -> None:
        rounds = 0
        down = False
        while True:
            poll = self._rpc.poll()
            try:
                self._keep(await poll.latest_blockhash())
                if rounds % _CALIBRATE_EVERY == 0:
                    info = await poll.epoch_info("processed")
                    self._clock.saw_block_height(info.slot, info.block_height)
                rounds += 1
                down = False
            except (RpcUnavailable, RpcRefused) as error:
                if not down:
                    _log.warning("no fresh blockhash", reason=error.detail)
                down = True
            await asyncio.sleep(self._refresh_seconds)

    def _keep(self, blockhash: Blockhash) -> None:
        now = time.monotonic()
        self._taken = now
        # Another endpoint may lag: a blockhash gets no older, unless the chain itself goes on from an earlier slot.
        if self._latest is None or blockhash.slot >= self._latest.slot or now - self._newest > BEHIND_FOR_GOOD_SECONDS:
            self._latest = blockhash
            self._newest = now
        if now - self._stream_moment > _SILENT_STREAM_SECONDS:
            self._clock.saw_slot(blockhash.slot, now)

    def _saw_stream_slot(self, slot: int) -> None:
        self._stream_moment = time.monotonic()
        self._clock.saw_slot(slot, self._stream_moment)
