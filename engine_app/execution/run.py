"""Run one order as far as it can go without waiting, from any state, any number of times, after any crash."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from engine_app.chain.errors import RpcRefused, RpcUnavailable, TransactionTooLarge
from engine_app.execution.engine import Engine
from engine_app.execution.trade import trade
from engine_app.execution.transfer import transfer
from engine_app.execution.turn import Turn, turn_at
from engine_app.orders import attempts, repository
from engine_app.orders.errors import CANCELLED, EXPIRED, NOT_LANDED, ROLLED_BACK
from engine_app.orders.lifecycle import Next, OrderState, Status, WaitReason, next_step
from engine_app.orders.models import Attempt
from engine_app.orders.repository import LeaseLost, OrderClosed
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.errors import SignatureRefused

NODE_RETRY = timedelta(seconds=1)

log = get_logger(__name__)

MESSAGES = {
    EXPIRED: "the order's time ran out before a try could land",
    CANCELLED: "the order was cancelled",
    ROLLED_BACK: "the chain took the transaction back, and it can no longer land",
    NOT_LANDED: "none of the order's transactions landed; each is proven dead",
}


async def run(engine: Engine, order_id: UUID) -> None:
    """Do the right next thing with an order, then return; never wait for the chain's time.

    Safe to call at any state, by any number of workers: whoever has the lease acts, the others return at once.
    Trouble with node or database uses up no try: the order is taken up again, here or by the sweeper.
    """
    try:
        await _run(engine, order_id)
    except DATABASE_AWAY as error:
        log.warning("order.database_away", order=str(order_id), error=str(error))


async def _run(engine: Engine, order_id: UUID) -> None:
    async with turn_at(engine, order_id) as turn:
        if turn is None:
            return
        try:
            await _try_step(turn)
        except LeaseLost:
            log.info("order.taken_over")
        retry_at = turn.due_again or turn.order.not_before
    if retry_at is not None and not turn.handed_over and turn.order.status != Status.FAILED:
        run_at_due_time(engine, order_id, (retry_at - max(turn.now, turn.order.updated_at)).total_seconds())


async def _try_step(turn: Turn) -> None:
    try:
        await _step(turn)
    except OrderClosed:
        await _close(turn)
    except (TransactionTooLarge, SignatureRefused) as error:
        await turn.fail(error.code, error.detail)
    except (RpcUnavailable, RpcRefused) as error:
        await _wait_for_node(turn, error)


async def _step(turn: Turn) -> None:
    tries: list[Attempt] = []
    if turn.order.tries:
        async with turn.engine.database.transaction() as session:
            tries = list(await attempts.attempts_of(session, turn.order.id))
    live = next((attempt for attempt in tries if attempt.verdict is None), None)
    state = OrderState(
        status=Status(turn.order.status),
        tries=turn.order.tries,
        has_live_attempt=live is not None,
        expires_at=turn.order.expires_at,
        not_before=turn.order.not_before,
        cancel_requested=turn.order.cancel_requested_at is not None,
        rolled_back=turn.order.rolled_back_at is not None,
        last_error=tries[-1].error_code if tries else None,
    )
    step = next_step(state, turn.now)
    match step.next:
        case Next.TRADE if turn.order.kind == "transfer":
            await transfer(turn)
        case Next.TRADE:
            await trade(turn)
        case Next.FAIL if step.code is not None:
            told = tries[-1].error_message if tries else None
            await turn.fail(step.code, MESSAGES.get(step.code) or told or step.code)
        case Next.WATCH if live is not None:
            turn.handed_over = True
            await turn.engine.watcher.take_up(turn.order, live, turn.token)
        case Next.WAIT | Next.NOTHING:
            pass


async def _close(turn: Turn) -> None:
    """It was cancelled or expired between quote and signature: nothing was signed, so it fails now."""
    async with turn.engine.database.transaction() as session:
        order = await repository.order_by_id(session, turn.order.id)
    code = CANCELLED if order is not None and order.cancel_requested_at is not None else EXPIRED
    await turn.fail(code, MESSAGES[code])


async def _wait_for_node(turn: Turn, error: RpcUnavailable | RpcRefused) -> None:
    """Nobody answered: no try is used up, nothing is inferred; the order is due again in a moment."""
    told = (turn.order.waiting_for or {}).get("reason") == WaitReason.NODE
    if not told:
        log.warning("order.node_away", error=error.detail)
        await turn.advance("waiting", {"reason": WaitReason.NODE}, waiting_for={"reason": WaitReason.NODE})
    turn.due_again = max(turn.now, turn.order.updated_at) + NODE_RETRY


def run_at_due_time(engine: Engine, order_id: UUID, seconds: float) -> None:
    """Run an order again when its next try is due; should this process die before, the sweeper does."""
    loop = asyncio.get_running_loop()
    loop.call_later(max(seconds, 0.0), lambda: engine.start_soon(run(engine, order_id)))
