"""The one watcher of a worker process: follows every live attempt whose lease the process holds.

It renews all leases in one statement a tick, hands what `chain.landing` sees to `settle`, and draws the verdict
`expired` only from finalized evidence. No thread waits here, and nothing is inferred from time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from solders.signature import Signature

from engine_app.chain.call_counts import count_calls
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing import ExpiryEvidence, Found, HistoryMissing, LiveAttempt, Seen
from engine_app.execution import settle
from engine_app.execution.engine import Engine
from engine_app.execution.turn import landing_wait, let_go
from engine_app.orders import leases
from engine_app.orders.models import Attempt, Order
from engine_app.orders.repository import LeaseLost
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import bound, get_logger

TICK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30

log = get_logger(__name__)


@dataclass(slots=True)
class Followed:
    """One live attempt under this process's lease."""

    order: Order
    attempt: LiveAttempt
    token: int
    unwritten_calls: Counter[str] = field(default_factory=Counter)
    """RPC calls of the order's own that its row does not count yet."""
    busy: bool = False
    """Something is being written about it now."""
    newest: Seen | None = None
    """What was seen last and is not yet written."""
    failures: int = 0
    """How often in a row it could not be written."""
    again_at: float = 0.0
    """When writing it is tried again, seconds of the loop's clock."""


class Watcher:
    """Follows live attempts to their proof."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._followed: dict[UUID, Followed] = {}
        self._held_before: dict[UUID, int] = {}
        """The leases that the process held a tick ago."""

    async def send(self, order: Order, attempt: LiveAttempt, token: int) -> None:
        """Follow a committed attempt and send it for the first time."""
        with count_calls() as calls:
            self._followed[attempt.attempt_id] = Followed(order, attempt, token, unwritten_calls=calls)
            await self._engine.landing.submit(attempt)

    async def take_up(self, order: Order, attempt: Attempt, token: int) -> None:
        """Follow an attempt that another turn, perhaps of a process that died, has committed."""
        live = live_attempt(attempt)
        self._followed[live.attempt_id] = Followed(order, live, token)
        await self._engine.landing.follow(live)
        log.info("attempt.taken_up", attempt=str(attempt.id), order=str(order.id))

    def forget(self, followed: Followed) -> None:
        """Stop following; the order's lease was given back or is lost.

        Where the same attempt has been taken up again since, under a later lease, that one goes on.
        """
        if self._is_current(followed):
            del self._followed[followed.attempt.attempt_id]
            self._engine.landing.forget(followed.attempt.attempt_id)
        let_go(self._engine, followed.attempt.order_id, followed.token)

    def _is_current(self, followed: Followed) -> bool:
        return self._followed.get(followed.attempt.attempt_id) is followed

    def follows(self, order_id: UUID) -> bool:
        """Whether an attempt of this order is followed."""
        return any(followed.attempt.order_id == order_id for followed in self._followed.values())

    async def watch(self) -> None:
        """Settle what landing observes, until cancelled."""
        async for batch in self._engine.landing.observations():
            for seen in batch:
                followed = self._followed.get(seen.attempt_id)
                if followed is None:
                    continue
                followed.newest = seen
                if not followed.busy:
                    followed.busy = True
                    self._engine.start_soon(self._settle(followed))

    async def tick(self) -> None:
        """Renew the leases, count what orders wait for, and take up what could not be written; until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._renew()
            except DATABASE_AWAY as error:
                log.warning("watcher.database_away", error=str(error))
                continue
            now = asyncio.get_running_loop().time()
            for followed in self._followed.values():
                if followed.newest is not None and not followed.busy and followed.again_at <= now:
                    followed.busy = True
                    self._engine.start_soon(self._settle(followed))

    async def prove(self) -> None:
        """Ask for proof about everything that is past its last valid height, once a second, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self._look_for_expiry(
                [followed for followed in self._followed.values() if not followed.busy and followed.newest is None]
            )

    async def _renew(self) -> None:
        """Keep our leases; what another worker has taken over is his now.

        One that was taken since the last tick is left alone: most orders are confirmed before the next, and a lease
        lasts five.
        """
        before, self._held_before = self._held_before, dict(self._engine.held)
        held = {order_id: token for order_id, token in self._held_before.items() if before.get(order_id) == token}
        waiting = [(order, told) for order, told in self._waiting() if order.id in held]
        async with self._engine.database.at_once() as session:
            ours = await leases.renew(session, held, {order.id: told for order, told in waiting})
        for order, told in waiting:
            if order.id in ours:
                order.waiting_for = told
                self._engine.progress.publish(order)
        lost = held.keys() - ours
        for order_id in lost:
            let_go(self._engine, order_id, held[order_id])
        for followed in list(self._followed.values()):
            order_id = followed.attempt.order_id
            if order_id in lost and followed.token == held[order_id]:
                log.info("order.taken_over", order=str(followed.attempt.order_id))
                self.forget(followed)

    def _waiting(self) -> list[tuple[Order, dict[str, Any]]]:
        """The followed orders that wait for landing or expiry, with what they wait for, where that has changed."""
        waiting = [
            (followed.order, landing_wait(self._engine, followed.attempt))
            for followed in self._followed.values()
            if not followed.busy and (followed.order.waiting_for or {}).get("reason") in ("landing", "expiry")
        ]
        return [(order, told) for order, told in waiting if told != order.waiting_for]

    async def _settle(self, followed: Followed) -> None:
        async with self._acting(followed):
            while (seen := followed.newest) is not None and self._is_current(followed):
                if not await settle.observed(self._engine, followed, seen):
                    return
                if followed.newest is seen:
                    followed.newest = None

    async def _look_for_expiry(self, waiting: Sequence[Followed]) -> None:
        """Ask for proof about everything that is past its last valid height, in the same few calls."""
        landing = self._engine.landing
        overdue = [followed for followed in waiting if landing.blocks_left(followed.attempt) == 0]
        if not overdue:
            return
        proofs = await landing.expiry_evidence_of([followed.attempt for followed in overdue])
        for followed in overdue:
            proof = proofs[followed.attempt.attempt_id]
            if isinstance(proof, Found):
                followed.newest = proof.observation
            elif not followed.busy and followed.newest is None and self._is_current(followed):
                followed.busy = True
                self._engine.start_soon(self._expire(followed, proof))

    async def _expire(self, followed: Followed, proof: ExpiryEvidence | HistoryMissing | None) -> None:
        async with self._acting(followed):
            await settle.overdue(self._engine, followed, proof)

    def _back_off(self, followed: Followed) -> None:
        """Leave what could not be written alone for a while; longer each time in a row."""
        if followed.newest is None:
            followed.failures = 0
            return
        followed.failures += 1
        followed.again_at = asyncio.get_running_loop().time() + _pause(followed.failures)

    @asynccontextmanager
    async def _acting(self, followed: Followed) -> AsyncIterator[None]:
        """One write at a time about an attempt; trouble with node or database leaves it followed, for the next tick."""
        order_id = str(followed.attempt.order_id)
        with bound(order=order_id, attempt=str(followed.attempt.attempt_id)):
            try:
                yield
            except LeaseLost:
                log.info("order.taken_over")
                self.forget(followed)
            except (RpcUnavailable, RpcRefused) as error:
                log.warning("watcher.node_away", error=error.detail)
            except DATABASE_AWAY as error:
                log.warning("watcher.database_away", error=str(error))
            finally:
                followed.busy = False
                self._back_off(followed)


def _pause(failures: int) -> float:
    """Seconds before what could not be written is tried again: 1, 2, 4, … at most 30."""
    return float(min(2 ** max(failures - 1, 0), LONGEST_PAUSE_SECONDS))


def live_attempt(attempt: Attempt) -> LiveAttempt:
    """The attempt's row as landing takes it. Raises ValueError for one that was never signed."""
    if (
        attempt.signature is None
        or attempt.transaction is None
        or attempt.last_valid_block_height is None
        or attempt.blockhash_slot is None
    ):
        raise ValueError(f"attempt {attempt.id} was never signed")
    return LiveAttempt(
        attempt_id=attempt.id,
        order_id=attempt.order_id,
        signature=Signature.from_string(attempt.signature),
        transaction=attempt.transaction,
        last_valid_block_height=attempt.last_valid_block_height,
        blockhash_slot=attempt.blockhash_slot,
    )
