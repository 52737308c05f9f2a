"""The sending strategy: the same bytes again and again, to every endpoint, until they are confirmed.

The same bytes have the same signature, and the chain takes a signature once; so sending them again can do no harm
and is what makes a dropped transaction land.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from itertools import count

from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing.attempts import LiveAttempt, Tracked
from engine_app.chain.rpc import Node, Rpc
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_FIRST_AFTER_SLOTS = 1.5
_EAGER_SECONDS = 5.0
_EAGER_EVERY_SECONDS = 0.45
_PATIENT_EVERY_SECONDS = 2.0
_AT_ONCE = 8
_MOST_PER_SECOND = 200
"""Re-sends of one process, so that thousands of attempts that nobody takes leave room for the rest."""


def seconds_to_next(age: float) -> float:
    """Seconds between two re-sends of an attempt first sent `age` seconds ago."""
    return _EAGER_EVERY_SECONDS if age < _EAGER_SECONDS else _PATIENT_EVERY_SECONDS


class Sending:
    """Sends attempts the first time and again, for one process."""

    def __init__(self, rpc: Rpc, blockhashes: Blockhashes) -> None:
        self._rpc = rpc
        self._blockhashes = blockhashes
        self._due: list[tuple[float, int, Tracked]] = []
        self._order = count()
        self._sooner = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._sends: set[asyncio.Task[None]] = set()

    async def first(self, attempt: LiveAttempt) -> None:
        """Send an attempt to the best endpoint, or to the next where that fails. Trouble is logged: the attempt
        stays live and is sent again."""
        try:
            await self._rpc.send(attempt.transaction)
        except (RpcUnavailable, RpcRefused) as error:
            _log.warning(
                "first send failed",
                order_id=str(attempt.order_id),
                attempt_id=str(attempt.attempt_id),
                reason=error.detail,
            )

    def first_resend(self, first_sent: float) -> float:
        """The moment of the first re-send of an attempt sent at the moment `first_sent`."""
        return first_sent + _FIRST_AFTER_SLOTS * self._blockhashes.slot_ms / 1000

    def schedule(self, tracked: Tracked, moment: float) -> None:
        """Have the attempt sent again at `moment` of the loop's clock, and from then on until it is confirmed,
        forgotten or too old to land. A moment given before is void."""
        tracked.resend_due = moment
        heappush(self._due, (moment, next(self._order), tracked))
        if self._due[0][2] is tracked:
            self._sooner.set()

    async def run(self) -> None:
        """Re-send what is due, for ever."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._wait_until_due()
                moment, _, tracked = heappop(self._due)
                if tracked.forgotten or tracked.confirmed or tracked.resend_due != moment:
                    continue
                await self._room.acquire()
                task = loop.create_task(self._again(tracked))
                self._sends.add(task)
                task.add_done_callback(self._sends.discard)
                task.add_done_callback(lambda _: self._room.release())
                await asyncio.sleep(1 / _MOST_PER_SECOND)
        finally:
            for task in self._sends:
                task.cancel()

    async def _wait_until_due(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._sooner.clear()
            wait = self._due[0][0] - loop.time() if self._due else None
            if wait is not None and wait <= 0:
                return
            try:
                await asyncio.wait_for(self._sooner.wait(), wait)
            except TimeoutError:
                continue

    async def _again(self, tracked: Tracked) -> None:
        attempt = tracked.attempt
        height = self._blockhashes.block_height
        if height is None or height <= attempt.last_valid_block_height:
            await asyncio.gather(*(self._copy(node, attempt) for node in self._rpc.nodes()))
        now = asyncio.get_running_loop().time()
        if not tracked.forgotten and not tracked.confirmed:
            self.schedule(tracked, now + seconds_to_next(now - tracked.first_sent))

    async def _copy(self, node: Node, attempt: LiveAttempt) -> None:
        try:
            await node.send(attempt.transaction)
        except (RpcUnavailable, RpcRefused) as error:
            _log.debug(
                "re-send failed",
                endpoint=node.name,
                order_id=str(attempt.order_id),
                attempt_id=str(attempt.attempt_id),
                reason=error.detail,
            )
