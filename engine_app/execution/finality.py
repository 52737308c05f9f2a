"""Follows confirmed orders to their finalized block, many at a time, and puts right what a fork took back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from solders.signature import Signature

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing.history import REMEMBERED_SLOTS, SKIPPED_SLOTS, stretch_of
from engine_app.chain.rpc import Node
from engine_app.execution import settle
from engine_app.execution.engine import Engine
from engine_app.execution.measuring import measure
from engine_app.execution.turn import Turn, let_go
from engine_app.orders import leases
from engine_app.orders.finalizing import Landed, finalize
from engine_app.orders.lifecycle import Verdict
from engine_app.orders.models import Attempt, Order
from engine_app.orders.repository import LeaseLost
from engine_app.storage.postgres import DATABASE_AWAY, REFUSED
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import bound, get_logger

LOOK_SECONDS = 2.0
NOT_TOLD = timedelta(minutes=1)
"""How long an order of which no node tells lets others go first."""
BATCH = 256
"""Signatures that one getSignatureStatuses takes."""

log = get_logger(__name__)


async def follow_to_finality(engine: Engine) -> None:
    """Look every two seconds until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            while await look_once(engine) == BATCH:
                pass
        except (RpcUnavailable, RpcRefused) as error:
            log.warning("finality.node_away", error=error.detail)
        except DATABASE_AWAY as error:
            log.warning("finality.database_away", error=str(error))


async def look_once(engine: Engine) -> int:
    """Take the confirmed orders whose slot is finalized, and write what the chain says of each; how many are done."""
    finalized_slot = await engine.rpc.slot("finalized")
    async with engine.database.at_once() as session:
        ripe = await leases.take_to_finalize(session, engine.name, finalized_slot=finalized_slot, limit=BATCH)
    if not ripe:
        return 0
    taken = {order.id: order.fencing_token for order, _ in ripe}
    engine.held |= taken
    done: set[UUID] = set()
    not_told: set[UUID] = set()
    try:
        await _judge(engine, ripe, done, not_told)
    finally:
        kept = {order_id: token for order_id, token in taken.items() if not engine.watcher.follows(order_id)}
        for order_id, token in kept.items():
            let_go(engine, order_id, token)
        async with engine.database.at_once() as session:
            await leases.release(session, {order_id: kept[order_id] for order_id in kept.keys() - done - not_told})
            await leases.postpone(session, {order_id: kept[order_id] for order_id in kept.keys() & not_told}, NOT_TOLD)
    return len(done)


async def _judge(engine: Engine, ripe: Sequence[tuple[Order, Attempt]], done: set[UUID], not_told: set[UUID]) -> None:
    """Write what the chain says of each; `done` gets those that are final now, `not_told` those of which no node tells
    or which the database refuses."""
    signatures = [Signature.from_string(attempt.signature or "") for _, attempt in ripe]
    # Another node at each look: one that lacks the blocks must not be the only one that is asked.
    slot, statuses = await engine.rpc.poll().signature_statuses(signatures, history=True)
    seen = list(zip(ripe, statuses, strict=True))
    done |= await _finalize_together(engine, [pair for pair, status in seen if _stayed(pair[1], status)])
    for (order, attempt), status in seen:
        if order.id in done:
            continue
        with bound(order=str(order.id), attempt=str(attempt.id)):
            turn = Turn(engine, order, order.fencing_token, order.updated_at, Counter())
            try:
                final = await _judge_one(turn, attempt, status, slot)
                if final is not False:
                    (not_told if final is None else done).add(order.id)
            except LeaseLost:
                log.info("order.taken_over")
            except (RpcUnavailable, RpcRefused) as error:
                log.warning("finality.node_away", error=error.detail)
            except REFUSED:
                # The rules of the database stand against it: one such order must not keep the others from finality.
                log.exception("finality.refused")
                not_told.add(order.id)


def _stayed(attempt: Attempt, status: SignatureStatus | None) -> bool:
    """Whether a transaction is final where it was confirmed, as nearly all are."""
    return (
        status is not None
        and status.commitment == "finalized"
        and status.error is None
        and status.slot == attempt.observed_slot
    )


async def _finalize_together(engine: Engine, stayed: Sequence[tuple[Order, Attempt]]) -> set[UUID]:
    """Write all of them final in one statement; which of them are. None is where the database refuses one."""
    if not stayed:
        return set()
    before = {order.id: order for order, _ in stayed}
    landed = [Landed(order.id, order.fencing_token, row.id, row.observed_slot or 0) for order, row in stayed]
    try:
        async with engine.database.at_once() as session:
            written = await finalize(session, landed, worker=engine.name)
    except REFUSED:
        return set()
    for order in written.values():
        engine.progress.publish(order)
        measure(before[order.id], order)
        metrics.ATTEMPTS.labels(Verdict.LANDED.value).inc()
        log.info("order.finalized", order=str(order.id), seq=order.seq)
    return set(written)


async def _judge_one(turn: Turn, attempt: Attempt, status: SignatureStatus | None, slot: int) -> bool | None:
    """Write what the chain says of one confirmed order; whether it is final now, None where no node tells."""
    told = status or await _ask_all(turn.engine, attempt)
    if isinstance(told, SignatureStatus):
        if told.commitment != "finalized":
            return False
        if told.error is None:
            return await settle.finalized(turn, attempt, slot=told.slot) or None
    elif not told:
        log.warning("finality.not_told")
        return told
    await settle.rolled_back(turn, attempt.id, slot=slot)
    await turn.engine.watcher.take_up(turn.order, attempt, turn.token)
    return False


async def _ask_all(engine: Engine, attempt: Attempt) -> SignatureStatus | bool | None:
    """What any node knows of a transaction, a final word before others; else whether a node that has the blocks knows
    nothing of it, and every one that has them is final past the slot it was seen in. None where none has them."""
    answers = await asyncio.gather(*(_ask(node, attempt) for node in engine.rpc.nodes()), return_exceptions=True)
    gone: list[bool] = []
    known: list[SignatureStatus] = []
    for answer in answers:
        if isinstance(answer, RpcUnavailable | RpcRefused):
            continue
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, SignatureStatus):
            known.append(answer)
        elif answer is not None:
            gone.append(answer)
    if known:
        return next((status for status in known if status.commitment == "finalized"), known[0])
    return all(gone) if gone else None


async def _ask(node: Node, attempt: Attempt) -> SignatureStatus | bool | None:
    """What one node knows of a transaction, else whether it shows that it is gone; None where it lacks the blocks."""
    await node.verify()
    finalized_slot = await node.slot("finalized")
    first_available = await node.first_available_block()
    slot, (status,) = await node.signature_statuses([Signature.from_string(attempt.signature or "")], history=True)
    if status is not None:
        return status
    seen_at = attempt.observed_slot
    if seen_at is None or not seen_at <= finalized_slot <= slot:
        return False
    if first_available > seen_at:
        return None
    if seen_at >= finalized_slot - REMEMBERED_SLOTS:
        return True
    around = await stretch_of(node, max(seen_at - SKIPPED_SLOTS, first_available), seen_at + SKIPPED_SLOTS)
    return around.spans(seen_at) or None
