"""From what was seen of an attempt to what is written of its order.

seen at `confirmed`, succeeded   getTransaction → amounts → `confirmed`; the finality loop writes the verdict
seen at `confirmed`, failed      observed; the order waits for finality, since a fork may still undo it
seen at `finalized`, failed      verdict `landed_error`; the next try, or `failed`
proven expired                   verdict `expired`; the next try, or `failed`
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.answers import at_least
from engine_app.chain.call_counts import count_calls, counted_apart
from engine_app.chain.fills import Fill, read_fill, read_transfer
from engine_app.chain.landed import LandedTransaction
from engine_app.chain.landing import ExpiryEvidence, HistoryMissing, Observation, Seen, Withdrawn
from engine_app.chain.token_accounts import wrapped_sol_address
from engine_app.execution.failures import TryFailure, read_failure
from engine_app.execution.run import run_at_due_time
from engine_app.execution.turn import Turn
from engine_app.orders import attempts, repository, reservations
from engine_app.orders.errors import NOT_LANDED, OUTCOME_UNKNOWN, ROLLED_BACK
from engine_app.orders.lifecycle import Status, Verdict, WaitReason
from engine_app.orders.models import Attempt, Order
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger

if TYPE_CHECKING:
    from engine_app.execution.engine import Engine
    from engine_app.execution.watcher import Followed

ANSWER_TRIES = 20
"""How often getTransaction is asked for a transaction that the node has already called confirmed."""

log = get_logger(__name__)


async def observed(engine: Engine, followed: Followed, seen: Seen) -> bool:
    """Write what was seen of a live attempt; False where there is more to write of it once the node tells.

    Raises:
        LeaseLost: another worker has the order; nothing was written.
        RpcUnavailable: the node did not give the transaction; the attempt stays followed.
    """
    if isinstance(seen, Observation) and not at_least(seen.commitment, "confirmed"):
        return True
    with count_calls() as calls:
        calls.update(followed.unwritten_calls)
        followed.unwritten_calls = calls
        turn = Turn(engine, followed.order, followed.token, followed.order.updated_at, calls)
        try:
            if isinstance(seen, Withdrawn):
                await _withdrawn(turn, followed, seen)
            elif seen.error is None:
                return await _confirm(turn, followed)
            elif seen.commitment == "finalized":
                return await _landed_with_error(turn, followed, seen)
            else:
                await _wait_for_finality(turn, followed, seen)
        finally:
            followed.order = turn.order
    return True


async def _confirm(turn: Turn, followed: Followed) -> bool:
    """Read what moved and write it; the lease goes back in the same statement. False where the node does not tell."""
    order, attempt_id = turn.order, followed.attempt.attempt_id

    def tells(transaction: LandedTransaction) -> bool:
        """Of a success, with all that it moved: no program pays below the floor, but not every node says who got it."""
        return transaction.error is None and fill_of(order, attempt_id, transaction).received >= (order.floor_out or 0)

    transaction = await _landed(turn.engine, followed, tells)
    if transaction is None or not tells(transaction):
        log.warning("attempt.not_told", error=None if transaction is None else transaction.error)
        return False
    fill = fill_of(order, attempt_id, transaction)
    await turn.advance(
        "confirmed",
        {"slot": fill.slot, "signature": str(followed.attempt.signature)} | _told_left_over(fill),
        along=(
            attempts.observation(followed.attempt.attempt_id, slot=fill.slot, error=None),
            reservations.closing(landed_slot=fill.slot),
        ),
        status=Status.CONFIRMED.value,
        **_amounts(fill),
        waiting_for=None,
        not_before=None,
        lease_until=None,
    )
    turn.engine.watcher.forget(followed)
    return True


def _anything(_: LandedTransaction) -> bool:
    return True


async def _landed(
    engine: Engine, followed: Followed, tells: Callable[[LandedTransaction], bool] = _anything
) -> LandedTransaction | None:
    """The landed transaction; asked again, counted apart and of each node in turn, while one does not know it yet, or
    does not tell enough of it."""
    signature = followed.attempt.signature
    found = await engine.rpc.transaction(signature)
    with counted_apart():
        for _ in range(ANSWER_TRIES):
            if found is not None and tells(found):
                break
            await asyncio.sleep(engine.blockhashes.slot_ms / 2000)
            found = await engine.rpc.poll().transaction(signature)
    return found


def fill_of(order: Order, attempt_id: UUID, transaction: LandedTransaction) -> Fill:
    """What an order's landed attempt moved."""
    owner = transaction.account_keys[0]
    mint_in = Pubkey.from_string(order.token_in)
    if order.destination is not None:
        return read_transfer(transaction, owner=owner, destination=Pubkey.from_string(order.destination), mint=mint_in)
    wrapped_sol = wrapped_sol_address(owner, attempt_id)
    return read_fill(
        transaction,
        owner=owner,
        mint_in=mint_in,
        mint_out=Pubkey.from_string(order.token_out),
        wrapped_sol=wrapped_sol if wrapped_sol in transaction.account_keys else None,
    )


async def _wait_for_finality(turn: Turn, followed: Followed, seen: Observation) -> None:
    """It landed and failed: not dead before a finalized block holds it."""
    if (turn.order.waiting_for or {}).get("reason") == WaitReason.FINALITY:
        return
    attempt_id = followed.attempt.attempt_id
    await turn.advance(
        "landed_with_error",
        {"slot": seen.slot, "error": seen.error},
        along=(attempts.observation(attempt_id, slot=seen.slot, error=_document(seen.error)),),
        waiting_for={"reason": WaitReason.FINALITY},
    )


async def _landed_with_error(turn: Turn, followed: Followed, seen: Observation) -> bool:
    """A finalized block holds it with an error: dead. The next try counts from when the failure was first seen.

    Where the chain shows it as a success nobody signs another: it is confirmed, and finality decides. Returns as
    `observed`.
    """
    transaction = await _landed(turn.engine, followed)
    if transaction is not None and transaction.error is None:
        log.warning("attempt.told_apart", error=seen.error, source=seen.source)
        return await _confirm(turn, followed)
    logs = () if transaction is None else transaction.logs
    failure = read_failure(
        seen.error,
        kind=turn.order.kind,
        transaction=followed.attempt.transaction,
        logs=logs,
        venues=turn.engine.venues,
    )
    evidence = {"commitment": "finalized", "slot": seen.slot, "error": seen.error, "source": seen.source}
    await _dead(turn, followed, Verdict.LANDED_ERROR, failure, evidence)
    return True


async def overdue(engine: Engine, followed: Followed, proof: ExpiryEvidence | HistoryMissing | None) -> None:
    """Write what is known of an attempt past its last valid height: proven dead, or what it still waits for.

    Raises:
        LeaseLost: another worker has the order; nothing was written.
    """
    turn = Turn(engine, followed.order, followed.token, followed.order.updated_at, Counter())
    try:
        match proof:
            case ExpiryEvidence():
                failure = TryFailure(
                    NOT_LANDED, "the transaction did not land before its blockhash expired", curable=True
                )
                await _dead(turn, followed, Verdict.EXPIRED, failure, proof.as_json())
            case HistoryMissing():
                await _wait_for(turn, WaitReason.OPERATOR, code=OUTCOME_UNKNOWN)
            case None:
                await _wait_for(turn, WaitReason.EXPIRY)
    finally:
        followed.order = turn.order


async def _wait_for(turn: Turn, reason: WaitReason, *, code: str | None = None) -> None:
    """Say once what the order waits for."""
    waiting = {"reason": reason.value} if code is None else {"reason": reason.value, "code": code}
    if turn.order.waiting_for != waiting:
        await turn.advance("waiting", waiting, waiting_for=waiting)


async def _withdrawn(turn: Turn, followed: Followed, seen: Withdrawn) -> None:
    """A fork took back what had been seen: the same bytes are on their way again."""
    if (turn.order.waiting_for or {}).get("reason") != WaitReason.FINALITY:
        return
    async with turn.transaction() as session:
        await turn.advance(
            "withdrawn", {"slot": seen.slot}, session=session, waiting_for={"reason": WaitReason.LANDING.value}
        )
        await attempts.withdraw_observation(session, followed.attempt.attempt_id)


async def _dead(
    turn: Turn, followed: Followed, verdict: Verdict, failure: TryFailure, evidence: dict[str, Any]
) -> None:
    """Write the verdict and what follows from it: the next try's time, or `failed`. The lease goes back."""
    async with turn.transaction() as session:
        await turn.advance("attempt_dead", {"verdict": verdict.value, "code": failure.code}, session=session)
        tries = await attempts.attempts_of(session, turn.order.id)
        seen_at = next(
            (row.observed_at for row in tries if row.id == followed.attempt.attempt_id and row.observed_at),
            turn.order.updated_at,
        )
        await attempts.write_verdict(
            session,
            followed.attempt.attempt_id,
            verdict,
            evidence=evidence,
            error_code=failure.code,
            error_message=failure.message,
        )
        if turn.order.rolled_back_at is not None:
            failure = TryFailure(ROLLED_BACK, "the chain took the transaction back, and it expired", curable=False)
        await turn.after_failed_try(failure, seen_at, session=session)
    metrics.ATTEMPTS.labels(verdict.value).inc()
    turn.engine.watcher.forget(followed)
    if turn.order.not_before is not None:
        seconds = (turn.order.not_before - turn.order.updated_at).total_seconds()
        run_at_due_time(turn.engine, turn.order.id, seconds)


def _document(error: Any) -> dict[str, Any]:
    return error if isinstance(error, dict) else {"error": error}


async def finalized(turn: Turn, attempt: Attempt, *, slot: int) -> bool:
    """A finalized block holds the confirmed transaction: the order is done for good. False where the node does not tell
    what it moved; nothing was written.

    Where a fork has moved the transaction to another slot than the one it was read at, what it moved there counts.

    Raises:
        RpcUnavailable, RpcRefused: the node did not give the transaction; nothing was written.
    """
    moved: dict[str, Any] = {}
    if slot != attempt.observed_slot:
        transaction = await turn.engine.rpc.transaction(Signature.from_string(attempt.signature or ""), "finalized")
        if transaction is None or transaction.error is not None or transaction.slot != slot:
            log.warning("attempt.not_told", error=None if transaction is None else transaction.error)
            return False
        moved = _amounts(fill_of(turn.order, attempt.id, transaction))
    async with turn.transaction() as session:
        if moved:
            await attempts.observe(session, attempt.id, turn.token, slot=slot, error=None)
            await reservations.close(session, turn.order.id, landed_slot=slot)
        await attempts.write_verdict(
            session, attempt.id, Verdict.LANDED, evidence={"commitment": "finalized", "slot": slot, "error": None}
        )
        await turn.advance(
            "finalized",
            {"slot": slot},
            session=session,
            **moved,
            finalized_at=repository.DATABASE_NOW,
            lease_until=None,
            not_before=None,
        )
    metrics.ATTEMPTS.labels(Verdict.LANDED.value).inc()
    return True


def _told_left_over(fill: Fill) -> dict[str, str]:
    """What the event says of a mint in between that stays the wallet's, base units; nothing where nothing is left."""
    if fill.left_over_mint is None:
        return {}
    return {"leftOverMint": str(fill.left_over_mint), "leftOverUnits": str(fill.left_over)}


def _amounts(fill: Fill) -> dict[str, Any]:
    """What moved, as an order's columns."""
    return {
        "spent_in": Decimal(fill.spent),
        "amount_out": Decimal(fill.received),
        "fill": {key: str(value) for key, value in asdict(fill).items() if value is not None},
    }


async def rolled_back(turn: Turn, attempt_id: UUID, *, slot: int) -> None:
    """A fork took the confirmed transaction back: the same attempt is live again, with the same bytes."""
    async with turn.transaction() as session:
        await turn.advance(
            "rolled_back",
            {"slot": slot},
            session=session,
            status=Status.SUBMITTED.value,
            spent_in=None,
            amount_out=None,
            fill=None,
            rolled_back_at=repository.DATABASE_NOW,
            waiting_for={"reason": WaitReason.LANDING},
            not_before=None,
        )
        await attempts.withdraw_observation(session, attempt_id)
        await reservations.reopen(session, turn.order.id)
