"""Follows confirmed orders to their finalized block, many at a time, and puts right what a fork took back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from solders.signature import Signature

from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Node
from engine_app.execution import settle
from engine_app.execution.engine import Engine
from engine_app.execution.turn import Turn, give_back
from engine_app.orders import leases
from engine_app.orders.models import Attempt, Order
from engine_app.orders.repository import LeaseLost
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import bound, get_logger

LOOK_SECONDS = 2.0
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
    """Take the confirmed orders whose slot is finalized, and write what the chain says of each; how many."""
    finalized_slot = await engine.rpc.slot("finalized")
    async with engine.database.transaction() as session:
        ripe = await leases.take_to_finalize(session, engine.name, finalized_slot=finalized_slot, limit=BATCH)
    if not ripe:
        return 0
    for order, _ in ripe:
        engine.held[order.id] = order.fencing_token
    try:
        await _judge(engine, ripe)
    finally:
        for order, _ in ripe:
            if engine.held.get(order.id) == order.fencing_token and not engine.watcher.follows(order.id):
                await give_back(engine, order.id, order.fencing_token)
    return len(ripe)


async def _judge(engine: Engine, ripe: Sequence[tuple[Order, Attempt]]) -> None:
    signatures = [Signature.from_string(attempt.signature or "") for _, attempt in ripe]
    slot, statuses = await engine.rpc.signature_statuses(signatures, history=True)
    for (order, attempt), status in zip(ripe, statuses, strict=True):
        with bound(order=str(order.id), attempt=str(attempt.id)):
            turn = Turn(engine, order, order.fencing_token, order.updated_at, Counter())
            try:
                if status is None and not await _is_gone(engine, attempt):
                    log.warning("finality.not_told")
                elif status is None or status.error is not None:
                    await settle.rolled_back(turn, attempt.id, slot=slot)
                    await engine.watcher.take_up(turn.order, attempt, turn.token)
                elif status.commitment == "finalized":
                    await settle.finalized(turn, attempt, slot=status.slot)
            except LeaseLost:
                log.info("order.taken_over")
            except (RpcUnavailable, RpcRefused) as error:
                log.warning("finality.node_away", error=error.detail)


async def _is_gone(engine: Engine, attempt: Attempt) -> bool:
    """Whether each node that answers is final past the slot it was seen in, has the blocks, and knows nothing of it."""
    answers = await asyncio.gather(*(_lacks(node, attempt) for node in engine.rpc.nodes()), return_exceptions=True)
    told = []
    for answer in answers:
        if isinstance(answer, RpcUnavailable | RpcRefused):
            continue
        if isinstance(answer, BaseException):
            raise answer
        told.append(answer)
    return bool(told) and all(told)


async def _lacks(node: Node, attempt: Attempt) -> bool:
    await node.verify()
    finalized_slot = await node.slot("finalized")
    first_available = await node.first_available_block()
    slot, (status,) = await node.signature_statuses([Signature.from_string(attempt.signature or "")], history=True)
    seen_at = attempt.observed_slot
    return status is None and seen_at is not None and first_available <= seen_at <= finalized_slot <= slot
