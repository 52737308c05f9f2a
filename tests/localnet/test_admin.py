"""The admin port over HTTP: what tests of the engine use to make the chain misbehave."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.server import Localnet, LocalnetOptions
from tests.localnet import swaps
from tests.localnet.chains import CONFIRMED, PROCESSED, encode, signed

PATIENCE = 20.0


class Operator:
    """Talks to a chain's endpoints and to its admin port."""

    def __init__(self, localnet: Localnet, session: aiohttp.ClientSession) -> None:
        self.localnet = localnet
        self.session = session

    async def admin(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer of the admin port."""
        async with self.session.request(method, self.localnet.admin_url + path, json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def fault(self, kind: str, **spec: Any) -> int:
        """Put a fault in force; its id."""
        return int((await self.admin("POST", "/faults", {"kind": kind, **spec}))["id"])

    async def slots(self, count: int) -> None:
        """Return when so many more slots have come."""
        first = await self.call("getSlot", PROCESSED)
        async with asyncio.timeout(PATIENCE):
            while await self.call("getSlot", PROCESSED) < first + count:  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.01)

    async def withheld(self, count: int) -> None:
        """Return when so many slots were withheld: none is under way any more."""
        async with asyncio.timeout(PATIENCE):
            while (await self.hits()).get("stalled_slots", 0) < count:  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.01)

    async def hits(self) -> dict[str, int]:
        """Hits by kind of fault."""
        found: dict[str, int] = await self.admin("GET", "/hits")
        return found

    def post(self, method: str, *params: Any, port: int | None = None) -> Any:
        """An HTTP request to an endpoint."""
        url = f"http://127.0.0.1:{port or self.localnet.endpoint.port}"
        return self.session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    async def call(self, method: str, *params: Any, port: int | None = None) -> Any:
        """The result of a call that succeeds."""
        async with self.post(method, *params, port=port) as response:
            return (await response.json())["result"]

    async def landed(self, signature: str) -> dict[str, Any]:
        """Its status, once it has landed."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status = (await self.call("getSignatureStatuses", [signature]))["value"][0]
                if status is not None:
                    return dict(status)
                await asyncio.sleep(0.005)

    async def funded(self) -> Keypair:
        """A wallet with lamports."""
        payer = Keypair()
        await self.landed(await self.call("requestAirdrop", str(payer.pubkey()), 10**10))
        return payer


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    """A chain with an admin port, and somebody to use it."""
    options = LocalnetOptions(port=0, admin_port=0, slot_ms=20)
    async with Localnet(options) as localnet, aiohttp.ClientSession() as session:
        yield Operator(localnet, session)


def _paying(operator: Operator, payer: Keypair) -> VersionedTransaction:
    """A signed transfer of the payer's."""
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Keypair().pubkey(), lamports=2_000_000))
    return signed([payer], [pay], operator.localnet.chain.head.blockhash)


async def test_there_is_no_admin_port_unless_asked_for(running: Localnet) -> None:
    assert running.admin_port is None


async def test_faults_are_listed_counted_and_ended(operator: Operator) -> None:
    first = await operator.fault("latency", milliseconds=1, methods=["getSlot"])
    second = await operator.fault("dropped_send", limit=2, signer=str(Keypair().pubkey()))
    await operator.call("getSlot")
    await operator.call("getHealth")
    listed = {fault["id"]: fault for fault in await operator.admin("GET", "/faults")}
    assert listed[first]["hits"] == 1
    assert listed[second]["hits"] == 0
    assert (await operator.admin("DELETE", f"/faults/{first}"))["hits"] == 1
    assert len(await operator.admin("GET", "/faults")) == 1
    assert await operator.admin("DELETE", "/faults") == {"latency": 1}
    assert await operator.admin("GET", "/faults") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"kind": "meteor"}),
        ("/faults", {"kind": "stale"}),
        ("/faults", {"kind": "stale", "slots": 3, "colour": "red"}),
        ("/faults", {"kind": "http_status", "status": 200}),
        ("/reorg", {"slots": 31}),
        ("/whale", {"pool": "1" * 32, "mint_in": str(swaps.MINTS["SOL"])}),
        ("/pools", {"pool": "nonsense", "swaps": "disabled"}),
    ],
)
async def test_nonsense_is_refused(operator: Operator, path: str, body: Any) -> None:
    assert "error" in await operator.admin("POST", path, body, status=422)


async def test_http_errors_come_for_the_methods_named(operator: Operator) -> None:
    await operator.fault("http_status", status=429, retry_after=3, methods=["getSlot"], limit=1)
    await operator.fault("http_status", status=503, methods=["getBalance"])
    async with operator.post("getSlot") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3")
        assert (await response.json())["error"]["code"] == 429
    assert await operator.call("getSlot")
    async with operator.post("getBalance", str(Keypair().pubkey())) as response:
        assert response.status == 503
    assert await operator.hits() == {"http_status": 2}


async def test_latency_holds_an_answer_back(operator: Operator) -> None:
    await operator.fault("latency", milliseconds=300, limit=1)
    begun = time.monotonic()
    await operator.call("getHealth")
    assert time.monotonic() - begun >= 0.3


async def test_a_lost_response_is_of_a_send_that_lands(operator: Operator) -> None:
    payer = await operator.funded()
    await operator.fault("lost_response", signer=str(payer.pubkey()), limit=1)
    paying = _paying(operator, payer)
    with pytest.raises(aiohttp.ClientError):
        async with operator.post("sendTransaction", encode(paying), {"encoding": "base64"}):
            pass
    assert (await operator.landed(str(paying.signatures[0])))["err"] is None
    assert (await operator.hits())["lost_response"] == 1


async def test_an_endpoint_that_is_down_cuts_http_and_websockets_while_another_serves(operator: Operator) -> None:
    other = await operator.admin("POST", "/endpoints", {})
    port = operator.localnet.endpoint.port
    async with operator.session.ws_connect(operator.localnet.ws_url) as socket:
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "slotSubscribe"})
        await operator.fault("down", endpoint=port)
        async with asyncio.timeout(PATIENCE):
            while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                pass
    with pytest.raises(aiohttp.ClientError):
        await operator.call("getHealth")
    with pytest.raises(aiohttp.ClientError):
        await operator.session.ws_connect(operator.localnet.ws_url)
    assert await operator.call("getHealth", port=other["port"]) == "ok"
    await operator.admin("DELETE", "/faults")
    assert await operator.call("getHealth") == "ok"
    assert (await operator.hits())["down"] >= 3


async def test_a_silent_websocket_tells_nothing(operator: Operator) -> None:
    async with operator.session.ws_connect(operator.localnet.ws_url) as socket:
        await operator.fault("silent", limit=5)
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "slotSubscribe"})
        assert (await socket.receive_json())["id"] == 1
        first = (await socket.receive_json())["params"]["result"]["slot"]
        assert (await operator.hits())["silent"] == 5
        assert (await socket.receive_json())["params"]["result"]["slot"] == first + 1


async def test_stalled_slots_hold_the_chain_still(operator: Operator) -> None:
    fault = await operator.fault("stalled_slots")
    await operator.withheld(1)
    slot, height = await operator.call("getSlot", PROCESSED), await operator.call("getBlockHeight", PROCESSED)
    await operator.withheld(6)
    assert await operator.call("getSlot", PROCESSED) == slot
    assert await operator.call("getBlockHeight", PROCESSED) == height
    ended = await operator.admin("DELETE", f"/faults/{fault}")
    assert ended["hits"] >= 6
    await operator.slots(3)


async def test_two_endpoints_disagree_when_one_lags(operator: Operator) -> None:
    await operator.slots(40)
    lagging = await operator.admin("POST", "/endpoints", {"lag_slots": 20})
    assert lagging["lagSlots"] == 20
    behind = await operator.call("getSlot", PROCESSED, port=lagging["port"])
    assert 19 <= await operator.call("getSlot", PROCESSED) - behind <= 200
    payer = await operator.funded()
    signature = await operator.call(
        "sendTransaction", encode(_paying(operator, payer)), {"encoding": "base64"}, port=lagging["port"]
    )
    await operator.landed(signature)
    seen = await operator.call("getSignatureStatuses", [signature], port=lagging["port"])
    assert seen["value"] == [None]
    (send,) = await operator.admin("GET", f"/sends?signature={signature}")
    assert send["endpoints"] == [lagging["port"]]
    ports = [endpoint["port"] for endpoint in await operator.admin("GET", "/endpoints")]
    assert ports == [operator.localnet.endpoint.port, lagging["port"]]


async def test_an_endpoint_on_a_taken_port_is_refused_and_leaves_nothing(operator: Operator) -> None:
    taken = {"port": operator.localnet.endpoint.port}
    assert "error" in await operator.admin("POST", "/endpoints", taken, status=409)
    assert len(await operator.admin("GET", "/endpoints")) == 1


async def test_calls_are_counted_by_method_and_endpoint(operator: Operator) -> None:
    other = (await operator.admin("POST", "/endpoints", {}))["port"]
    await operator.admin("DELETE", "/counters")
    for _ in range(3):
        await operator.call("getSlot")
    await operator.call("getSlot", port=other)
    batch = [{"jsonrpc": "2.0", "id": n, "method": "getBlockHeight"} for n in range(4)]
    async with operator.session.post(operator.localnet.url, json=batch) as response:
        assert len(await response.json()) == 4
    counters = await operator.admin("GET", "/counters")
    assert counters["total"] == {"getSlot": 4, "getBlockHeight": 4}
    assert counters["endpoints"][str(other)] == {"getSlot": 1}


async def test_the_ledger_lists_what_a_signer_landed(operator: Operator) -> None:
    payer = await operator.funded()
    paying = _paying(operator, payer)
    await operator.call("sendTransaction", encode(paying), {"encoding": "base64"})
    status = await operator.landed(str(paying.signatures[0]))
    (entry,) = await operator.admin("GET", f"/ledger?signer={payer.pubkey()}")
    assert entry["signature"] == str(paying.signatures[0])
    assert entry["signers"] == [str(payer.pubkey())]
    assert (entry["slot"], entry["err"]) == (status["slot"], None)
    moved = entry["meta"]["preBalances"][0] - entry["meta"]["postBalances"][0]
    assert moved == 2_005_000
    assert len(await operator.admin("GET", "/ledger")) == 2
    assert await operator.admin("GET", f"/ledger?signer={Keypair().pubkey()}") == []
    (send,) = await operator.admin("GET", f"/sends?signer={payer.pubkey()}")
    assert (send["fate"], send["slot"]) == ("landed", status["slot"])


async def test_a_fork_is_made_on_request(operator: Operator) -> None:
    payer = await operator.funded()
    transaction = _paying(operator, payer)
    await operator.slots(12)  # The fork leaves it its blockhash.
    paying = await operator.call("sendTransaction", encode(transaction), {"encoding": "base64"})
    await operator.landed(paying)
    taken = await operator.admin("POST", "/reorg", {"slots": 10, "requeue": True})
    assert paying in taken["takenBack"]
    await operator.landed(paying)
    (send,) = await operator.admin("GET", f"/sends?signature={paying}")
    assert (send["fate"], send["takenBack"]) == ("landed", 1)
    assert (await operator.hits())["reorg"] == 1


def _reserve(operator: Operator, pool: Pubkey, program: Pubkey, seed: bytes, mint: Pubkey) -> int:
    seeds = {b"pool_vault": [seed, bytes(pool), bytes(mint)], b"token_vault": [seed, bytes(mint), bytes(pool)]}
    vault = operator.localnet.chain.bank.newest(Pubkey.find_program_address(seeds[seed], program)[0])
    assert vault is not None
    return int.from_bytes(vault.data[64:72], "little")


@pytest.mark.parametrize("venue", ["raydium", "meteora"])
@pytest.mark.parametrize("token_in", ["SOL", "USDC"])
async def test_a_whale_moves_and_drains_a_pool(operator: Operator, venue: str, token_in: str) -> None:
    token_out = "USDC" if token_in == "SOL" else "SOL"
    mint_in, mint_out = swaps.MINTS[token_in], swaps.MINTS[token_out]
    if venue == "raydium":
        pool, program, seed = swaps.cpmm_pool(0, "SOL", "USDC"), swaps.CPMM, b"pool_vault"
    else:
        pool, program, seed = swaps.damm_v2_pool("SOL", "USDC"), swaps.DAMM_V2, b"token_vault"
    body = {"pool": str(pool), "mint_in": str(mint_in)}
    before = _reserve(operator, pool, program, seed, mint_out)
    moved = await operator.admin("POST", "/whale", {**body, "amount": 10**9})
    assert (await operator.landed(moved["signature"]))["err"] is None
    after = _reserve(operator, pool, program, seed, mint_out)
    assert 0.9 * before < after < before
    drained = await operator.admin("POST", "/whale", body)
    assert (await operator.landed(drained["signature"]))["err"] is None
    assert _reserve(operator, pool, program, seed, mint_out) < before / 200
    assert (await operator.hits())["whale"] == 2


@pytest.mark.parametrize("venue", ["raydium", "meteora"])
async def test_a_closed_pool_refuses_swaps_until_it_is_opened(operator: Operator, venue: str) -> None:
    pool = swaps.cpmm_pool(0, "SOL", "USDC") if venue == "raydium" else swaps.damm_v2_pool("SOL", "USDC")
    whale = {"pool": str(pool), "mint_in": str(swaps.MINTS["SOL"]), "amount": 10**9}
    slot = (await operator.admin("POST", "/pools", {"pool": str(pool), "swaps": "disabled"}))["slot"]
    status = await operator.landed((await operator.admin("POST", "/whale", whale))["signature"])
    assert status["slot"] > slot
    assert status["err"] == {"InstructionError": [6, {"Custom": 6000 if venue == "raydium" else 6003}]}
    data = await operator.call("getAccountInfo", str(pool), {**CONFIRMED, "encoding": "base64"})
    assert data["value"]["space"] in (637, 1112)
    await operator.admin("POST", "/pools", {"pool": str(pool), "swaps": "enabled"})
    status = await operator.landed((await operator.admin("POST", "/whale", whale))["signature"])
    assert status["err"] is None
