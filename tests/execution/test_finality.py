"""A confirmed order is final as soon as any node says so, and taken back only where all show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from solders.signature import Signature

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.landing.history import REMEMBERED_SLOTS
from engine_app.chain.methods import Methods
from engine_app.chain.rpc import Node
from engine_app.embedded.processes import LocalChain
from engine_app.execution import finality
from engine_app.execution.engine import Engine
from engine_app.orders.models import Attempt
from tests.chain.troubled_node import TroubledNode, status_hidden
from tests.execution.conftest import Desk
from tests.waiting import until

BEFORE_SLOTS = 50


@pytest.fixture(scope="module")
def chain(localnet: LocalChain) -> LocalChain:
    """The session's chain, whose slots are final within two seconds."""
    return localnet


@pytest.fixture
async def forgetful(chain: LocalChain) -> AsyncIterator[TroubledNode]:
    """A node that knows of no transaction."""
    async with TroubledNode(chain.rpc_url) as node:
        node.changed["getSignatureStatuses"] = status_hidden
        yield node


@pytest.fixture
def rpc_urls(chain: LocalChain, forgetful: TroubledNode) -> str:
    return f"{forgetful.url},{chain.rpc_url}"


async def test_a_node_without_the_history_keeps_no_order_from_being_final(desk: Desk) -> None:
    order_id = await desk.place(await desk.customer(), "SOL", "USDC", "1")
    await desk.run(order_id)
    await desk.reaches(order_id, "confirmed")

    async def final() -> bool:
        return (await desk.order(order_id)).finalized_at is not None

    await until(final)


async def test_an_old_transaction_is_gone_only_where_no_block_around_it_is_missing(
    desk: Desk, forgetful: TroubledNode
) -> None:
    node = next(node for node in desk.engine.rpc.nodes() if node.name == forgetful.url)
    seen_at = await node.first_available_block() + BEFORE_SLOTS

    async def old() -> bool:
        return await node.slot("finalized") > seen_at + REMEMBERED_SLOTS

    await until(old)
    unknown = Attempt(id=uuid4(), order_id=uuid4(), number=1, signature=str(Signature.default()), observed_slot=seen_at)
    assert await finality._ask(node, unknown) is True

    def has(*, without: range, heights_go_on: bool) -> None:
        """The node's blocks, as after a fork that took some back, or with a hole."""

        def blocks(answer: dict[str, Any]) -> dict[str, Any]:
            return {**answer, "result": [slot for slot in answer["result"] if slot not in without]}

        def block(answer: dict[str, Any]) -> dict[str, Any]:
            result = dict(answer["result"])
            result["blockHeight"] -= len(without) * (result["parentSlot"] >= without.stop)
            return {**answer, "result": result}

        forgetful.changed |= {"getBlocks": blocks}
        if heights_go_on:
            forgetful.changed |= {"getBlock": block}

    has(without=range(seen_at - 30, seen_at + 40), heights_go_on=False)
    assert await finality._ask(node, unknown) is None
    has(without=range(seen_at - 30, seen_at + 40), heights_go_on=True)
    assert await finality._ask(node, unknown) is True
    has(without=range(seen_at - 5, seen_at + 2_000), heights_go_on=True)
    assert await finality._ask(node, unknown) is None
    has(without=range(seen_at - BEFORE_SLOTS, seen_at + 5), heights_go_on=True)
    assert await finality._ask(node, unknown) is None


async def test_orders_of_which_no_node_tells_let_others_go_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: set[str] = set()
    may_look = asyncio.Event()
    look, statuses, ask = finality.look_once, Methods.signature_statuses, finality._ask

    async def look_once(engine: Engine) -> int:
        return await look(engine) if may_look.is_set() else 0

    async def known(
        self: Methods, signatures: Sequence[Signature], history: bool = False
    ) -> tuple[int, list[SignatureStatus | None]]:
        slot, told = await statuses(self, signatures, history)
        return slot, [None if str(one) in hidden else status for one, status in zip(signatures, told, strict=True)]

    async def lacks_its_blocks(node: Node, attempt: Attempt) -> SignatureStatus | bool | None:
        return None if attempt.signature in hidden else await ask(node, attempt)

    monkeypatch.setattr(finality, "BATCH", 2)
    monkeypatch.setattr(finality, "NOT_TOLD", timedelta(seconds=10))
    monkeypatch.setattr(finality, "look_once", look_once)
    monkeypatch.setattr(finality, "_ask", lacks_its_blocks)
    customer = await desk.customer()
    placed = [await desk.place(customer, "SOL", "USDC", "1") for _ in range(3)]
    for order_id in placed:
        await desk.run(order_id)
    confirmed = [await desk.reaches(order_id, "confirmed") for order_id in placed]
    hidden |= {str(order.tx_hash) for order in confirmed[:2]}
    monkeypatch.setattr(Methods, "signature_statuses", known)
    may_look.set()

    def final(order_id: UUID) -> Callable[[], Awaitable[bool]]:
        async def is_final() -> bool:
            return (await desk.order(order_id)).finalized_at is not None

        return is_final

    await until(final(placed[2]))
    assert [(await desk.order(order_id)).finalized_at for order_id in placed[:2]] == [None, None]
    hidden.clear()
    for order_id in placed:
        await until(final(order_id))
    assert {(await desk.order(order_id)).not_before for order_id in placed} == {None}
