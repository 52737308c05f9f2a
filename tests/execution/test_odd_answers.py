"""One node says odd things for a while: an order waits for it to come round, and no second try is signed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from engine_app.embedded.processes import LocalChain
from tests.chain.troubled_node import TroubledNode, result_is
from tests.execution.conftest import Desk
from tests.waiting import until

Status = dict[str, Any]
SLIPPAGE = {"InstructionError": [3, {"Custom": 6001}]}


@pytest.fixture(scope="module")
def chain(localnet: LocalChain) -> LocalChain:
    """The session's chain, whose slots are final within two seconds."""
    return localnet


@pytest.fixture
async def node(chain: LocalChain) -> AsyncIterator[TroubledNode]:
    """The only node that the engine has."""
    async with TroubledNode(chain.rpc_url) as node:
        yield node


@pytest.fixture
def rpc_urls(node: TroubledNode) -> str:
    return node.url


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told over websockets: statuses are all that is known of a transaction."""

    async def subscribed(*_: Any) -> None:
        return None

    monkeypatch.setattr("engine_app.chain.landing.landing.subscribe", subscribed)


def told_once(change: Callable[[Status], Status]) -> tuple[Callable[[dict[str, Any]], dict[str, Any]], asyncio.Event]:
    """A change of the first status that is told of any transaction, and whether it was told."""
    told = asyncio.Event()

    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        for number, value in enumerate(answer["result"]["value"]):
            if value is not None and not told.is_set():
                told.set()
                answer["result"]["value"][number] = change(value)
        return answer

    return changed, told


@pytest.mark.parametrize(
    "change",
    [
        lambda status: {"slot": status["slot"], "err": SLIPPAGE},
        lambda status: {**status, "confirmations": None, "confirmationStatus": "finalized", "err": SLIPPAGE},
        lambda status: {**status, "confirmationStatus": "rooted"},
        lambda status: {**status, "slot": 2**64 - 1},
    ],
    ids=["no commitment", "an error that a fork held", "an unknown commitment", "a slot out of range"],
)
@pytest.mark.usefixtures("silent")
async def test_one_odd_status_signs_nothing_and_stops_nothing(
    desk: Desk, node: TroubledNode, change: Callable[[Status], Status]
) -> None:
    node.changed["getSignatureStatuses"], told = told_once(change)
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    order = await desk.reaches(order_id, "confirmed")
    assert told.is_set()
    assert (order.tries, len(await desk.attempts(order_id))) == (1, 1)
    other = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(other)
    await desk.reaches(other, "confirmed")


async def test_what_does_not_tell_who_was_paid_is_asked_again(desk: Desk, node: TroubledNode) -> None:
    def without_owners(answer: dict[str, Any]) -> dict[str, Any]:
        for name in ("preTokenBalances", "postTokenBalances"):
            for entry in (answer["result"] or {"meta": {name: []}})["meta"][name]:
                entry.pop("owner", None)
        return answer

    node.changed["getTransaction"] = without_owners
    order_id = await desk.place(await desk.customer(), "SOL", "USDC", "1")
    await desk.run(order_id)

    async def asked() -> bool:
        return node.asked["getTransaction"] > 2

    await until(asked)
    assert (await desk.order(order_id)).status == "submitted"
    node.changed.clear()
    order = await desk.reaches(order_id, "confirmed")
    assert order.amount_out is not None
    assert order.floor_out is not None
    assert order.amount_out >= order.floor_out


async def test_what_a_landed_transaction_spent_is_not_counted_twice(desk: Desk, node: TroubledNode) -> None:
    node.changed["getTransaction"] = result_is(None)
    customer = await desk.customer(lamports=10 * 10**9)
    first = await desk.place(customer, "SOL", "USDC", "6")
    await desk.run(first)

    async def spent() -> bool:
        return await desk.engine.rpc.balance(customer.address) < 5 * 10**9

    await until(spent)
    second = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(second)
    waiting = await desk.order(second)
    assert (waiting.status, waiting.waiting_for) == ("routing", {"reason": "node"})
    too_much = await desk.place(customer, "SOL", "USDC", "100")
    node.changed.clear()
    await desk.reaches(first, "confirmed")
    await desk.reaches(second, "confirmed")
    await desk.run(too_much)
    assert (await desk.reaches(too_much, "failed")).error_code == "INSUFFICIENT_FUNDS"
