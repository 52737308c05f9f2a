"""The polling strategy: one batched getSignatureStatuses a tick for every attempt whose state is due to be asked.

It speaks where the subscription is silent or the socket down, follows what is confirmed to its finality, and
notices when a fork takes something back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing.attempts import Seen, Tracked, Withdrawn
from engine_app.chain.methods import SIGNATURES_PER_CALL, Methods
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_SHORTEST_TICK_SECONDS = 0.05
_LONGEST_TICK_SECONDS = 0.4
_SUBSCRIPTION_SLOTS = 2.5
"""Slots for which the subscription is left to answer first: one to land in, one to be confirmed."""
_SLOTS_TO_FINALITY = 32
_CONFIRMED_EVERY_SECONDS = 2.0
_SLOTS_MISSING = 4
"""Slots for which a seen attempt must be missing before it counts as taken back."""
_SOURCE = "getSignatureStatuses"


class StatusPoll:
    """Asks for the statuses of all attempts in flight, for one process."""

    def __init__(
        self,
        rpc: Rpc,
        stream: Stream,
        blockhashes: Blockhashes,
        in_flight: Mapping[UUID, Tracked],
        *,
        tell: Callable[[Seen], None],
        withdrawn: Callable[[Tracked, Withdrawn], None],
    ) -> None:
        self._rpc = rpc
        self._stream = stream
        self._blockhashes = blockhashes
        self._in_flight = in_flight
        self._tell = tell
        self._withdrawn = withdrawn

    def first_poll(self, first_sent: float) -> float:
        """The moment from which an attempt sent at the moment `first_sent` is asked for."""
        return first_sent + _SUBSCRIPTION_SLOTS * self._blockhashes.slot_ms / 1000

    async def run(self) -> None:
        """Poll, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            tick = self._blockhashes.slot_ms / 1000
            await asyncio.sleep(min(max(tick, _SHORTEST_TICK_SECONDS), _LONGEST_TICK_SECONDS))
            due = [tracked for tracked in self._in_flight.values() if self._is_due(tracked, loop.time())]
            for look_back in (False, True):
                group = [tracked for tracked in due if tracked.look_back is look_back]
                for start in range(0, len(group), SIGNATURES_PER_CALL):
                    await self._ask(group[start : start + SIGNATURES_PER_CALL], look_back)

    def _is_due(self, tracked: Tracked, now: float) -> bool:
        if tracked.finalized:
            return False
        return tracked.poll_due <= now or (not tracked.confirmed and not self._stream.connected)

    async def _ask(self, group: Sequence[Tracked], look_back: bool) -> None:
        try:
            slot, statuses = await self._rpc.poll().signature_statuses(
                [tracked.attempt.signature for tracked in group], history=look_back
            )
        except (RpcUnavailable, RpcRefused) as error:
            _log.debug("status poll failed", reason=error.detail, attempts=len(group))
            return
        for tracked, status in zip(group, statuses, strict=True):
            if tracked.forgotten:
                continue
            if status is not None:
                self._take(tracked, status)
            elif tracked.seen is not None:
                await self._missing(tracked, slot)

    def _take(self, tracked: Tracked, status: SignatureStatus) -> None:
        tracked.missing_since = None
        seen = tracked.take(status, _SOURCE)
        if seen is not None:
            self._tell(seen)
        if tracked.confirmed:
            tracked.poll_due = asyncio.get_running_loop().time() + self._until_next(status.slot)

    def _until_next(self, landed_slot: int) -> float:
        """Seconds to the next poll of a confirmed attempt: its likely finality, or sooner to notice a fork."""
        slots = landed_slot + _SLOTS_TO_FINALITY - self._blockhashes.slot
        return min(max(slots, 1) * self._blockhashes.slot_ms / 1000, _CONFIRMED_EVERY_SECONDS)

    async def _missing(self, tracked: Tracked, slot: int) -> None:
        """A node at `slot` knows nothing of an attempt that was seen: taken back, or does it only lag?"""
        seen = tracked.seen
        if seen is None or slot < seen.slot:
            return
        if tracked.missing_since is None:
            tracked.missing_since = slot
        if slot < tracked.missing_since + _SLOTS_MISSING:
            return
        answers = await asyncio.gather(
            *(self._history(node, tracked) for node in self._rpc.nodes()), return_exceptions=True
        )
        slots: list[int] = []
        for answer in answers:
            if isinstance(answer, RpcUnavailable | RpcRefused):
                continue
            if isinstance(answer, BaseException):
                raise answer
            as_of, status = answer
            if status is not None:
                self._take(tracked, status)
                return
            slots.append(as_of)
        if slots and min(slots) >= seen.slot and tracked.seen is seen and not tracked.forgotten:
            self._withdrawn(tracked, Withdrawn(tracked.attempt.attempt_id, min(slots)))

    async def _history(self, node: Methods, tracked: Tracked) -> tuple[int, SignatureStatus | None]:
        slot, statuses = await node.signature_statuses([tracked.attempt.signature], history=True)
        return slot, statuses[0]
