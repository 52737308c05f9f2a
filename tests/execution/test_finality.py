"""A confirmed order is final as soon as any node says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine_app.embedded.processes import LocalChain
from tests.chain.troubled_node import TroubledNode, status_hidden
from tests.execution.conftest import Desk
from tests.waiting import until


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
