"""A confirmed order is final as soon as any node says so, and taken back only where all show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from solders.signature import Signature

from engine_app.chain.landing.history import REMEMBERED_SLOTS
from engine_app.embedded.processes import LocalChain
from engine_app.execution import finality
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
    assert await finality._ask(node, unknown) is False
    has(without=range(seen_at - 30, seen_at + 40), heights_go_on=True)
    assert await finality._ask(node, unknown) is True
    has(without=range(seen_at - 5, seen_at + 2_000), heights_go_on=True)
    assert await finality._ask(node, unknown) is False
    has(without=range(seen_at - 2_000, seen_at + 5), heights_go_on=True)
    assert await finality._ask(node, unknown) is False
