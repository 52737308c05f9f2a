"""What is kept warm: blockhash and pace, rents, priority fees, the socket's slots."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.background import keep_running, stop
from engine_app.chain.call_counts import count_calls
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.priority_fees import FeeLevel, PriorityFees
from engine_app.chain.rents import Rents
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE
from engine_app.embedded.processes import LocalChain
from tests.chain.conftest import SOL, Chain, opened, transfer_attempt, until
from tests.chain.troubled_node import TroubledNode, result_is
from tests.conftest import SLOT_MS


async def test_the_blockhash_is_warm_and_moves_on(chain: Chain) -> None:
    with count_calls() as calls:
        first = await chain.blockhashes.latest()
    assert not calls

    async def newer() -> bool:
        return (await chain.blockhashes.latest()).slot > first.slot

    await until(newer, "a newer blockhash")
    assert (await chain.blockhashes.latest()).hash != first.hash


async def test_a_blockhash_of_a_chain_that_goes_on_from_an_earlier_slot_is_taken_after_a_while(
    localnet: LocalChain, node: TroubledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told_ahead(answer: dict[str, Any]) -> dict[str, Any]:
        result = answer["result"]
        context = result["context"] | {"slot": result["context"]["slot"] + 10**6}
        return answer | {"result": result | {"context": context}}

    monkeypatch.setattr("engine_app.chain.blockhash.BEHIND_FOR_GOOD_SECONDS", 3600)
    node.changed["getLatestBlockhash"] = told_ahead
    async with opened([node.url], localnet.ws_url) as room:
        stopped = await room.blockhashes.latest()
        node.changed.clear()
        asked = node.asked["getLatestBlockhash"]

        async def asked_again() -> bool:
            return node.asked["getLatestBlockhash"] > asked + 1

        await until(asked_again, "blockhashes of earlier slots")
        assert (await room.blockhashes.latest()).slot >= stopped.slot

        monkeypatch.setattr("engine_app.chain.blockhash.BEHIND_FOR_GOOD_SECONDS", 0)

        async def set_back() -> bool:
            return (await room.blockhashes.latest()).slot < stopped.slot

        await until(set_back, "the blockhash of an earlier slot")


async def test_the_pace_is_measured(chain: Chain) -> None:
    slot = chain.blockhashes.slot

    async def many_slots() -> bool:
        return chain.blockhashes.slot > slot + 30

    await until(many_slots, "thirty slots")
    assert SLOT_MS * 0.8 < chain.blockhashes.slot_ms < SLOT_MS * 4
    height = chain.blockhashes.block_height
    assert height is not None
    assert abs(height - await chain.rpc.block_height("processed")) <= 3


async def test_without_a_node_there_is_no_blockhash_after_a_while(localnet: LocalChain, node: TroubledNode) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        await node.hang_up()

        async def refused() -> bool:
            try:
                await room.blockhashes.latest()
            except RpcUnavailable:
                return True
            return False

        await until(refused, "the blockhash to be too old to give out")
        await node.listen()

        async def back() -> bool:
            with contextlib.suppress(RpcUnavailable):
                await room.blockhashes.latest()
                return True
            return False

        await until(back, "the blockhash")


async def test_rents_are_read_once_and_then_known(chain: Chain) -> None:
    rents = Rents(chain.rpc)
    await rents.start()
    expected = await chain.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)

    async def known() -> bool:
        with count_calls() as calls:
            assert await rents.exemption(TOKEN_ACCOUNT_SIZE) == expected
        return not calls

    await until(known, "the rent")
    with count_calls() as calls:
        assert await rents.exemption(82) < expected
        assert await rents.exemption(82) < expected
    assert calls == {"getMinimumBalanceForRentExemption": 1}
    await rents.close()


async def test_priority_fees_follow_what_is_paid_and_are_never_asked_by_an_order(
    localnet: LocalChain, node: TroubledNode
) -> None:
    async with opened([node.url], localnet.ws_url) as room:
        fees = PriorityFees(room.rpc, level=FeeLevel.HIGH, least=100, refresh_seconds=0.05)
        await fees.start()
        accounts = [Pubkey.new_unique(), Pubkey.new_unique()]
        node.changed["getRecentPrioritizationFees"] = result_is(
            [{"slot": slot, "prioritizationFee": slot * 10} for slot in range(100, 120)]
        )
        with count_calls() as calls:
            assert fees.price(accounts) == 100

            async def raised() -> bool:
                return fees.price(accounts) == 1_140

            await until(raised, "the price of the third quarter")
        assert not calls
        await fees.close()


async def test_a_paid_priority_fee_shows(chain: Chain) -> None:
    wallet = await chain.funded_wallet()
    attempt = transfer_attempt(wallet, await chain.blockhashes.latest(), SOL)
    await chain.landing.submit(attempt)
    await chain.watching.wait(attempt, "confirmed")
    recent = await chain.rpc.recent_prioritization_fees([wallet.pubkey()])
    assert max(fee.fee for fee in recent) == 1_000


async def test_a_loop_that_fails_is_begun_again() -> None:
    runs = 0
    again = asyncio.Event()

    async def loop() -> None:
        nonlocal runs
        runs += 1
        if runs > 1:
            again.set()
            await asyncio.Event().wait()
        raise RuntimeError("out of any shape")

    task = keep_running(loop, "tried")
    await asyncio.wait_for(again.wait(), 20)
    await stop(task, None)
    assert runs == 2
    assert task.cancelled()
