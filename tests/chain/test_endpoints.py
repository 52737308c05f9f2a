"""One and several endpoints on bad days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.signature import Signature

from engine_app.chain.call_counts import Outcome, count_calls
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.errors import RpcRefused, RpcUnavailable, WrongCluster
from engine_app.chain.rpc import Rpc
from engine_app.embedded.processes import LocalChain
from tests.chain.conftest import until
from tests.chain.troubled_node import TroubledNode, result_is

LOCALNET = CLUSTERS["localnet"]
MAINNET_GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
ANOTHER_GENESIS = str(Hash(bytes(range(32))))


@asynccontextmanager
async def started(*nodes: TroubledNode, **options: Any) -> AsyncIterator[Rpc]:
    rpc = Rpc([node.url for node in nodes], LOCALNET, **options)
    try:
        await rpc.start()
        yield rpc
    finally:
        await rpc.close()


@pytest.fixture
async def second(localnet: LocalChain) -> AsyncIterator[TroubledNode]:
    async with TroubledNode(localnet.rpc_url) as proxy:
        yield proxy


def moved_by(slots: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": answer["result"] + slots}

    return change


def test_an_rpc_without_endpoints_is_refused() -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Rpc([], LOCALNET)


async def test_the_wrong_chain_stops_the_start(node: TroubledNode) -> None:
    node.changed["getGenesisHash"] = result_is(MAINNET_GENESIS)
    with pytest.raises(WrongCluster, match="localnet"):
        async with started(node):
            pytest.fail("started on another chain")


async def test_one_wrong_endpoint_among_right_ones_stops_the_start(node: TroubledNode, second: TroubledNode) -> None:
    second.changed["getGenesisHash"] = result_is(ANOTHER_GENESIS)
    with pytest.raises(WrongCluster, match="started with"):
        async with started(node, second):
            pytest.fail("started on two chains")


async def test_another_chain_than_the_databases_stops_the_start(node: TroubledNode) -> None:
    async def expected() -> str | None:
        return "the chain before the reset"

    with pytest.raises(WrongCluster, match="the chain before the reset"):
        async with started(node, expected_genesis=expected):
            pytest.fail("started on a fresh chain")


async def test_a_database_that_has_seen_no_chain_accepts_the_first(node: TroubledNode) -> None:
    async def expected() -> str | None:
        return None

    async with started(node, expected_genesis=expected) as rpc:
        assert rpc.genesis


async def test_a_start_without_answer_waits_until_there_is_one(node: TroubledNode) -> None:
    await node.hang_up()
    rpc = Rpc([node.url], LOCALNET)
    start = asyncio.create_task(rpc.start())
    await asyncio.sleep(1)
    assert not start.done()
    await node.listen()
    await asyncio.wait_for(start, 20)
    assert await rpc.slot() > 0
    await rpc.close()


async def test_one_endpoint_that_answers_is_enough_to_start(node: TroubledNode, second: TroubledNode) -> None:
    await node.hang_up()
    async with started(node, second) as rpc:
        assert await rpc.slot() > 0
        assert second.asked["getSlot"] > 0
        await node.listen()

        async def both() -> bool:
            return all(health.available and health.verified for health in rpc.health())

        await until(both, "the first endpoint to be taken in")


async def test_a_chain_that_is_exchanged_under_the_engine_is_shut_out(node: TroubledNode) -> None:
    async with started(node) as rpc:
        await node.hang_up()
        node.changed["getGenesisHash"] = result_is(ANOTHER_GENESIS)
        with pytest.raises(RpcUnavailable):
            await rpc.slot()
        await node.listen()
        with pytest.raises(RpcUnavailable, match=ANOTHER_GENESIS):
            await rpc.slot()
        slots_asked = node.asked["getSlot"]
        with pytest.raises(RpcUnavailable):
            await rpc.slot()
        assert node.asked["getSlot"] == slots_asked
        assert rpc.health()[0].wrong is not None


@pytest.mark.parametrize("hash_told", [None, "", "not a hash", 7, [], MAINNET_GENESIS[:-1] + "0"])
async def test_a_genesis_hash_that_is_none_is_trouble_and_shuts_nothing_out(
    node: TroubledNode, hash_told: object
) -> None:
    async with started(node) as rpc:
        node.changed["getGenesisHash"] = result_is(hash_told)
        rpc.distrust()
        with pytest.raises(RpcUnavailable):
            await rpc.slot()
        node.changed.clear()

        async def answers_again() -> bool:
            return rpc.health()[0].available and rpc.health()[0].verified

        await until(answers_again, "the endpoint to be taken in again")
        assert rpc.health()[0].wrong is None
        assert await rpc.slot() > 0


@pytest.mark.parametrize("told", ["nan", "inf", "-inf", "1e999", "soon", "Sat, 99 Foo 2026"])
async def test_a_retry_after_that_says_nothing_closes_no_endpoint_for_good(node: TroubledNode, told: str) -> None:
    async with started(node) as rpc:
        for status in (429, 503):
            node.status["getSlot"] = (status, {"Retry-After": told}, b"")
            with pytest.raises(RpcUnavailable):
                await rpc.slot()
        node.status.clear()

        async def open_again() -> bool:
            return rpc.health()[0].available

        await until(open_again, "the end of the pause")
        assert await rpc.slot() > 0


async def test_a_lost_socket_asks_for_a_new_genesis_check(node: TroubledNode) -> None:
    async with started(node) as rpc:
        checks = node.asked["getGenesisHash"]
        rpc.distrust()
        await rpc.slot()
        assert node.asked["getGenesisHash"] == checks + 1


async def test_many_calls_wait_for_one_genesis_check_and_not_one_after_the_other(node: TroubledNode) -> None:
    async with started(node) as rpc:
        checks = node.asked["getGenesisHash"]
        node.silent.add("*")
        rpc.distrust()
        began = time.monotonic()
        told = await asyncio.gather(*(rpc.slot() for _ in range(8)), return_exceptions=True)
        assert all(isinstance(error, RpcUnavailable) for error in told), told
        assert node.asked["getGenesisHash"] == checks + 1
        assert time.monotonic() - began < 15


async def test_too_many_requests_keeps_the_nodes_own_pause(node: TroubledNode) -> None:
    async with started(node) as rpc:
        node.status["getSlot"] = (429, {"Retry-After": "2"}, b"")
        with pytest.raises(RpcUnavailable) as limited:
            await rpc.slot()
        assert limited.value.retry_after == 2
        paused = time.monotonic()
        asked = node.asked.total()
        del node.status["getSlot"]
        with pytest.raises(RpcUnavailable) as closed:
            await rpc.slot()
        assert closed.value.retry_after in (1, 2)
        assert node.asked.total() == asked

        async def open_again() -> bool:
            return rpc.health()[0].available

        await until(open_again, "the end of the pause")
        assert time.monotonic() - paused >= 1.9
        assert await rpc.slot() > 0
        assert rpc.totals.snapshot()["getSlot", node.url, Outcome.LIMITED] == 1


async def test_server_errors_pause_an_endpoint_after_three_and_a_probe_opens_it(node: TroubledNode) -> None:
    async with started(node) as rpc:
        node.status["*"] = (503, {}, b"busy")
        for _ in range(3):
            with pytest.raises(RpcUnavailable, match="503"):
                await rpc.slot()
        with pytest.raises(RpcUnavailable, match="no RPC endpoint"):
            await rpc.slot()
        node.status.clear()

        async def open_again() -> bool:
            return rpc.health()[0].available

        await until(open_again, "the probe")
        assert await rpc.slot() > 0


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (502, b"<html>"), (403, b"no key"), (200, b"<html>"), (200, b"[1]"), (200, b'{"id": 1}'),
     (200, b'{"id": 1, "error": null}'), (200, b'{"id": 1, "error": "busy"}')],
)  # fmt: skip
async def test_whatever_is_no_answer_is_trouble_with_the_node(node: TroubledNode, status: int, body: bytes) -> None:
    async with started(node) as rpc:
        node.status["getSlot"] = (status, {}, body)
        with pytest.raises(RpcUnavailable):
            await rpc.slot()


NAMED = Keypair().pubkey()
SIGNED = Signature.default()
CALLS: dict[str, Callable[[Rpc], Awaitable[object]]] = {
    "getMultipleAccounts": lambda rpc: rpc.accounts([NAMED]),
    "getProgramAccounts": lambda rpc: rpc.program_accounts(NAMED),
    "simulateTransaction": lambda rpc: rpc.simulate(b""),
    "getSignatureStatuses": lambda rpc: rpc.signature_statuses([SIGNED]),
    "getTransaction": lambda rpc: rpc.transaction(SIGNED),
    "getSignaturesForAddress": lambda rpc: rpc.signatures_for_address(NAMED),
    "getLatestBlockhash": lambda rpc: rpc.latest_blockhash(),
    "getBlockHeight": lambda rpc: rpc.block_height(),
    "getSlot": lambda rpc: rpc.slot(),
    "getEpochInfo": lambda rpc: rpc.epoch_info(),
    "getFirstAvailableBlock": lambda rpc: rpc.first_available_block(),
    "getMinimumBalanceForRentExemption": lambda rpc: rpc.rent_exemption(0),
    "getBalance": lambda rpc: rpc.balance(NAMED),
    "getTokenAccountsByOwner": lambda rpc: rpc.token_accounts_by_owner(NAMED),
    "getRecentPrioritizationFees": lambda rpc: rpc.recent_prioritization_fees([NAMED]),
    "requestAirdrop": lambda rpc: rpc.airdrop(NAMED, 1),
}
MISSHAPEN: tuple[object, ...] = (
    None,
    "text",
    [None],
    {},
    {"context": None, "value": None},
    {"context": {"slot": "seven"}, "value": [{}]},
    {"context": {"slot": 7}, "value": [7]},
    {"context": {"slot": 7}, "value": [{"slot": 7, "err": None}]},
    {"context": {"slot": 7}, "value": [{"slot": 7, "err": None, "confirmations": None, "confirmationStatus": "odd"}]},
    {"context": {"slot": 2**63}, "value": [None]},
    {"transaction": ["", "base64"], "meta": None},
    2**63,
    -1,
)


@pytest.mark.parametrize("method", CALLS)
async def test_an_answer_of_another_shape_is_trouble_with_the_node(node: TroubledNode, method: str) -> None:
    async with started(node) as rpc:
        for result in MISSHAPEN if method != "getTransaction" else MISSHAPEN[1:]:  # there None says that it has none
            node.changed[method] = result_is(result)
            with pytest.raises(RpcUnavailable):
                await CALLS[method](rpc)
        node.changed.clear()
        assert await rpc.slot() > 0


async def test_an_answer_without_end_is_trouble_with_the_node(node: TroubledNode) -> None:
    async with started(node) as rpc:
        node.status["getSlot"] = (200, {}, b'{"jsonrpc": "2.0", "id": 1, "result": 7}' + b" " * 2**26)
        with pytest.raises(RpcUnavailable, match="more than 67108864 bytes"):
            await rpc.slot()


@pytest.mark.parametrize("status", [200, 400])
async def test_a_json_rpc_error_is_a_refusal_whatever_its_http_status(node: TroubledNode, status: int) -> None:
    body = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "bad", "data": {"why": 1}}}'
    async with started(node) as rpc:
        node.status["getSlot"] = (status, {}, body)
        with pytest.raises(RpcRefused) as refused:
            await rpc.slot()
        assert (refused.value.rpc_code, refused.value.message, refused.value.data) == (-32602, "bad", {"why": 1})
        assert rpc.health()[0].available


@pytest.mark.parametrize("code", [-32005, -32016, -32603, 429])
async def test_an_error_of_the_nodes_state_is_trouble_and_not_a_refusal(node: TroubledNode, code: int) -> None:
    async with started(node) as rpc:
        body = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": %d, "message": "behind"}}' % code
        node.status["getSlot"] = (200, {}, body)
        with pytest.raises(RpcUnavailable):
            await rpc.slot()


async def test_a_read_goes_to_the_next_endpoint_and_is_counted_once(node: TroubledNode, second: TroubledNode) -> None:
    async with started(node, second) as rpc:
        node.status["getSlot"] = (500, {}, b"")
        with count_calls() as calls:
            assert await rpc.slot() > 0
        assert calls == {"getSlot": 1}
        assert second.asked["getSlot"] > 0


async def test_a_silent_endpoint_is_overtaken_by_the_next(node: TroubledNode, second: TroubledNode) -> None:
    async with started(node, second) as rpc:
        node.silent.add("*")
        began = time.monotonic()
        assert await rpc.slot() > 0
        assert time.monotonic() - began < 10
        assert second.asked["getSlot"] > 0


async def test_a_search_is_asked_of_each_until_one_answers(node: TroubledNode, second: TroubledNode) -> None:
    refused = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32010, "message": "excluded"}}'
    async with started(node, second) as rpc:
        node.status["getProgramAccounts"] = (200, {}, refused)
        found = await rpc.program_accounts(LOCALNET.raydium_cpmm, 637, data_slice=(8, 32))
        assert found
        assert all(len(account.data) == 32 for account in found.values())
        assert await rpc.poll().program_accounts(LOCALNET.raydium_cpmm, 637, data_slice=(8, 32)) == found
        second.status["getProgramAccounts"] = (200, {}, refused)
        with pytest.raises(RpcRefused, match="excluded"):
            await rpc.program_accounts(LOCALNET.raydium_cpmm, 637)


@pytest.mark.parametrize("status", [429, 503])
async def test_what_comes_of_a_search_closes_no_endpoint(node: TroubledNode, status: int) -> None:
    async with started(node) as rpc:
        node.status["getProgramAccounts"] = (status, {"Retry-After": "30"}, b"")
        for _ in range(4):
            with pytest.raises(RpcUnavailable):
                await rpc.program_accounts(LOCALNET.raydium_cpmm, 637)
        assert rpc.health()[0].available
        assert await rpc.slot() > 0


async def test_an_airdrop_is_asked_of_one_endpoint_only(node: TroubledNode, second: TroubledNode) -> None:
    async with started(node, second) as rpc:
        node.status["requestAirdrop"] = (500, {}, b"")
        with pytest.raises(RpcUnavailable):
            await rpc.airdrop(LOCALNET.raydium_cpmm, 1)
        assert second.asked["requestAirdrop"] == 0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second endpoint is asked because the first takes its time, as any does on a busy machine."""
    monkeypatch.setattr("engine_app.chain.endpoints._SHORTEST_HEDGE_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
async def test_reads_prefer_the_endpoint_that_keeps_up(node: TroubledNode, second: TroubledNode) -> None:
    async with started(node, second) as rpc:
        node.changed["getSlot"] = moved_by(-1000)

        async def noticed() -> bool:
            return rpc.health()[0].slots_behind > 900

        await until(noticed, "the lag")
        asked = node.asked["getBlockHeight"]
        for _ in range(4):
            await rpc.block_height()
            await rpc.poll().block_height()
        assert node.asked["getBlockHeight"] == asked
        del node.changed["getSlot"]

        async def caught_up() -> bool:
            return rpc.health()[0].slots_behind < 10

        await until(caught_up, "the endpoint to have caught up")
        await rpc.block_height()
        assert node.asked["getBlockHeight"] == asked + 1


@pytest.mark.usefixtures("patient")
async def test_polls_go_round_the_endpoints(node: TroubledNode, second: TroubledNode) -> None:
    async with started(node, second) as rpc:
        for _ in range(6):
            await rpc.poll().block_height()
        assert node.asked["getBlockHeight"] == 3
        assert second.asked["getBlockHeight"] == 3


async def test_names_keep_keys_to_themselves(localnet: LocalChain) -> None:
    rpc = Rpc([f"{localnet.rpc_url}/?api-key=secret"], LOCALNET)
    assert "secret" not in repr(rpc.health())
    await rpc.close()


async def test_what_a_broken_answer_tells_keeps_keys_to_itself() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 2x0 OK\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rpc = Rpc([f"http://127.0.0.1:{port}/path-secret?api-key=secret"], LOCALNET)
    try:
        with pytest.raises(RpcUnavailable, match="status line") as failed:
            await rpc.slot()
        assert "secret" not in str(failed.value) + failed.value.detail
    finally:
        await rpc.close()
        server.close()
