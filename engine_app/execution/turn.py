"""One worker's turn at one order: under a lease, every write naming its fencing token."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.chain.call_counts import count_calls
from engine_app.chain.landing import LiveAttempt
from engine_app.execution.engine import Engine
from engine_app.execution.failures import TryFailure
from engine_app.execution.measuring import measure, measure_step
from engine_app.orders import attempts, leases, repository, reservations
from engine_app.orders.along import Along
from engine_app.orders.leases import OwnAddress
from engine_app.orders.lifecycle import MAX_TRIES, Status, Verdict, WaitReason, retry_time
from engine_app.orders.models import Attempt, Order
from engine_app.storage.connections import Straight
from engine_app.storage.prepared import Statements
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import bound, get_logger

Written = TypeVar("Written")

log = get_logger(__name__)


class Turn:
    """The right to advance one order until the lease is given back, handed over or lost.

    Attributes:
        order: the row as last written.
        token: the fencing token.
        wallet: the address that the order trades from.
        now: the database's clock when the lease was taken.
        due_again: when the order, given back as it is, may be taken up again; None for at once.
        handed_over: the watcher follows a live attempt under this lease, which is therefore kept.
    """

    def __init__(
        self,
        engine: Engine,
        order: Order,
        token: int,
        now: datetime,
        calls: Counter[str],
        *,
        wallet: OwnAddress | None = None,
    ) -> None:
        self.engine = engine
        self.order = order
        self.token = token
        self.now = now
        self._wallet = wallet
        self.handed_over = False
        self.due_again: datetime | None = None
        self._calls = calls
        self._written: list[Order] = []
        """States of the order that the running transaction has written, one an event."""

    @property
    def wallet(self) -> OwnAddress:
        """The address that the order trades from. Raises RuntimeError in a turn that does not trade."""
        if self._wallet is None:
            raise RuntimeError("this turn knows no wallet")
        return self._wallet

    async def advance(
        self,
        event: str,
        data: dict[str, Any] | None = None,
        *,
        session: Statements | None = None,
        only_open: bool = False,
        along: Sequence[Along] = (),
        **changes: Any,
    ) -> None:
        """Write changes and event; in the caller's transaction where one is given, else in one of its own.

        The caller's transaction is one of `transaction`, which tells of the change after its commit.

        Raises:
            LeaseLost: another worker took the order over; nothing was written.
            OrderClosed: with `only_open`, where the order was cancelled or has expired; nothing was written.
        """
        if session is None:
            async with self._told(self.engine.database.at_once()) as own:
                await self.advance(event, data, session=own, only_open=only_open, along=along, **changes)
            return
        made = Counter(self.order.rpc_calls) + self._calls
        self.order = await repository.advance(
            session,
            self.order.id,
            self.token,
            event=event,
            data=data,
            worker=self.engine.name,
            only_open=only_open,
            along=along,
            rpc_calls=dict(made),
            **changes,
        )
        self._written.append(self.order)
        self._calls.clear()

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction of this turn: what it wrote is told once it is committed, and forgotten where it failed."""
        return self._told(self.engine.database.transaction())

    def together(self) -> AbstractAsyncContextManager[Straight]:
        """The same for prepared statements, which cost less."""
        return self._told(self.engine.database.together())

    @asynccontextmanager
    async def _told(self, connected: AbstractAsyncContextManager[Written]) -> AsyncIterator[Written]:
        before, calls = self.order, Counter(self._calls)
        self._written.clear()
        try:
            async with connected as session:
                yield session
        except BaseException:
            self.order = before
            self._calls.clear()
            self._calls.update(calls)
            raise
        self.published()
        measure(before, self.order)

    def published(self) -> None:
        """Tell whoever watches of every event that was committed, in order; call it after the commit."""
        for order in self._written:
            self.engine.progress.publish(order)
        self._written.clear()
        log.info("order." + self.order.status, seq=self.order.seq, waiting_for=self.order.waiting_for)

    async def fail(self, code: str, message: str, *, session: Statements | None = None) -> None:
        """End the order as failed; its reservations are free again. No attempt of it may be live."""
        await self.advance(
            "failed",
            {"code": code, "message": message},
            session=session,
            along=(reservations.closing(landed_slot=None),),
            status=Status.FAILED.value,
            error_code=code,
            error_message=message,
            waiting_for=None,
            not_before=None,
            lease_until=None,
        )

    async def not_sent(self, failure: TryFailure, **facts: Any) -> None:
        """Use up a try that sent nothing; the next one starts 2 s or 4 s from now, or the order fails."""
        number = self.order.tries + 1
        async with self.transaction() as session:
            # The order's own row first: it proves the token before anything is written under it.
            await self.advance(
                "try_failed",
                {"try": number, "code": failure.code, "message": failure.message},
                session=session,
                tries=number,
                status=Status.ROUTING.value,
            )
            await attempts.insert_attempt(
                session,
                Attempt(
                    id=uuid4(),
                    order_id=self.order.id,
                    number=number,
                    verdict=Verdict.NOT_SENT.value,
                    evidence={"sent": False},
                    verdict_at=self.order.updated_at,
                    error_code=failure.code,
                    error_message=failure.message,
                    **facts,
                ),
            )
            await self.after_failed_try(failure, self.order.updated_at, session=session)
        metrics.ATTEMPTS.labels(Verdict.NOT_SENT.value).inc()

    async def after_failed_try(self, failure: TryFailure, seen_at: datetime, *, session: AsyncSession) -> None:
        """Schedule the next try, or fail the order where there is none; the failed try is already counted."""
        retry_at = retry_time(self.order.tries, seen_at)
        if not failure.curable or retry_at is None or self.order.tries >= MAX_TRIES:
            await self.fail(failure.code, failure.message, session=session)
            return
        await self.advance(
            "waiting",
            {"reason": WaitReason.RETRY, "notBefore": retry_at.isoformat()},
            session=session,
            status=Status.ROUTING.value,
            not_before=retry_at,
            lease_until=None,
            waiting_for={"reason": WaitReason.RETRY, "notBefore": retry_at.isoformat()},
        )


def landing_wait(engine: Engine, attempt: LiveAttempt) -> dict[str, Any]:
    """What an order with this live attempt waits for: blocks in which it may still land, then its proof."""
    blocks = engine.landing.blocks_left(attempt)
    if blocks == 0:
        return {"reason": WaitReason.EXPIRY.value}
    if blocks is None:
        return {"reason": WaitReason.LANDING.value}
    seconds = round(blocks * engine.blockhashes.slot_ms / 1000)
    return {"reason": WaitReason.LANDING.value, "blocksLeft": blocks, "aboutSeconds": seconds}


@asynccontextmanager
async def turn_at(engine: Engine, order_id: UUID) -> AsyncIterator[Turn | None]:
    """Take the order's lease for the block; None where it is done, or another worker or this one holds it.

    The lease is given back at the end, unless the turn handed it over to the watcher.
    """
    if order_id in engine.held:
        yield None
        return
    async with engine.database.at_once() as session:
        taken = await leases.take(session, order_id, engine.name, begin=True)
    if taken is None:
        yield None
        return
    order = taken.order
    engine.held[order_id] = order.fencing_token
    with bound(order=str(order_id)), count_calls() as calls:
        turn = Turn(engine, order, order.fencing_token, taken.now, calls, wallet=taken.wallet)
        if taken.began is not None:
            engine.progress.publish(order)
            measure_step(order.status, taken.began)
        try:
            yield turn
        except BaseException:
            # The lease is left to run out: an order that crashes its worker is not tried again at once.
            let_go(engine, order_id, turn.token)
            raise
        if turn.order.lease_until is None:
            let_go(engine, order_id, turn.token)
        elif not turn.handed_over:
            await give_back(engine, order_id, turn.token, not_before=turn.due_again)


def let_go(engine: Engine, order_id: UUID, token: int) -> None:
    """Renew this lease no more; a later one on the same order is left alone."""
    if engine.held.get(order_id) == token:
        del engine.held[order_id]


async def give_back(engine: Engine, order_id: UUID, token: int, *, not_before: datetime | None = None) -> None:
    """Give a lease back; nobody takes the order up before `not_before`."""
    let_go(engine, order_id, token)
    async with engine.database.at_once() as session:
        await leases.release(session, {order_id: token}, not_before=not_before)
