"""Subscriptions over real sockets: what is told, when, and to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from solders.keypair import Keypair

from engine_app.localnet.rpc import websocket
from engine_app.localnet.server import Localnet
from tests.localnet.chains import RpcFailure

PATIENCE = 20.0


class Socket:
    """A websocket client that keeps answers and notifications apart."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._notifications: list[dict[str, Any]] = []
        self._last_id = 0

    async def call(self, method: str, *params: Any) -> Any:
        """The result of a call; raises RpcFailure with its error."""
        self._last_id += 1
        await self.socket.send_json({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        while True:
            message = await asyncio.wait_for(self.socket.receive_json(), PATIENCE)
            if "id" not in message:
                self._notifications.append(message)
            elif "error" in message:
                raise RpcFailure(message["error"])
            else:
                assert message["id"] == self._last_id
                return message["result"]

    async def notification(self) -> dict[str, Any]:
        """The next notification."""
        if self._notifications:
            return self._notifications.pop(0)
        message: dict[str, Any] = await asyncio.wait_for(self.socket.receive_json(), PATIENCE)
        assert "method" in message
        return message


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Socket]:
    """A connection to a websocket endpoint."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Socket(socket)


async def post(localnet: Localnet, method: str, *params: Any) -> Any:
    """The result of an HTTP call."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with aiohttp.ClientSession() as session, session.post(localnet.url, json=body) as response:
        return (await response.json())["result"]


async def airdrop(localnet: Localnet) -> str:
    """The signature of an airdrop to somebody new."""
    return str(await post(localnet, "requestAirdrop", str(Keypair().pubkey()), 10**9))


async def subscriptions_become(localnet: Localnet, count: int) -> None:
    """Wait until the endpoint holds this many subscriptions."""
    async with asyncio.timeout(PATIENCE):
        while len(localnet.endpoint.hub) != count:  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("commitment", ["processed", "confirmed", "finalized"])
async def test_a_signature_is_told_once_when_it_reaches_the_commitment(running: Localnet, commitment: str) -> None:
    async with opened(running.ws_url) as socket:
        signature = await airdrop(running)
        subscription = await socket.call("signatureSubscribe", signature, {"commitment": commitment})
        told = await socket.notification()
        assert told["method"] == "signatureNotification"
        assert told["params"]["subscription"] == subscription
        assert told["params"]["result"]["value"] == {"err": None}
        status = (await post(running, "getSignatureStatuses", [signature]))["value"][0]
        ranks = ["processed", "confirmed", "finalized"]
        assert ranks.index(status["confirmationStatus"]) >= ranks.index(commitment)
        assert told["params"]["result"]["context"]["slot"] >= status["slot"]
        with pytest.raises(RpcFailure, match="Invalid subscription id"):
            await socket.call("signatureUnsubscribe", subscription)


async def test_a_signature_that_has_landed_before_is_told_at_once(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        signature = await airdrop(running)
        for _ in range(2):
            await socket.call("signatureSubscribe", signature, {"commitment": "confirmed"})
            assert (await socket.notification())["params"]["result"]["value"] == {"err": None}


async def test_received_is_told_to_who_asks_for_it(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        signature = await airdrop(running)
        config = {"commitment": "confirmed", "enableReceivedNotification": True}
        await socket.call("signatureSubscribe", signature, config)
        values = [(await socket.notification())["params"]["result"]["value"]]
        if values[0] == "receivedSignature":
            values.append((await socket.notification())["params"]["result"]["value"])
        assert values[-1] == {"err": None}


async def test_slots_come_in_order_until_unsubscribed(running: Localnet) -> None:
    async with opened(running.url.replace("http", "ws")) as socket:
        subscription = await socket.call("slotSubscribe")
        slots = []
        for _ in range(4):
            told = await socket.notification()
            assert told["method"] == "slotNotification"
            slots.append(told["params"]["result"])
        numbers = [slot["slot"] for slot in slots]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        assert all(slot["parent"] == slot["slot"] - 1 and slot["root"] <= slot["slot"] for slot in slots)
        assert await socket.call("slotUnsubscribe", subscription) is True
        with pytest.raises(RpcFailure, match="Invalid subscription id"):
            await socket.call("slotUnsubscribe", subscription)


async def test_an_accounts_changes_are_told(running: Localnet) -> None:
    wallet = str(Keypair().pubkey())
    async with opened(running.ws_url) as socket:
        config = {"commitment": "confirmed", "encoding": "base64"}
        await socket.call("accountSubscribe", wallet, config)
        for total in (10**9, 2 * 10**9):
            await post(running, "requestAirdrop", wallet, 10**9)
            told = await socket.notification()
            assert told["method"] == "accountNotification"
            assert told["params"]["result"]["value"]["lamports"] == total
            assert told["params"]["result"]["value"]["data"] == ["", "base64"]


async def test_logs_are_told_of_who_is_mentioned(running: Localnet) -> None:
    wallet = str(Keypair().pubkey())
    async with opened(running.ws_url) as socket:
        await socket.call("logsSubscribe", {"mentions": [wallet]}, {"commitment": "processed"})
        await airdrop(running)
        signature = await post(running, "requestAirdrop", wallet, 10**9)
        told = await socket.notification()
        assert told["method"] == "logsNotification"
        value = told["params"]["result"]["value"]
        assert (value["signature"], value["err"]) == (signature, None)
        assert value["logs"][-1] == f"Program {'1' * 32} success"


async def test_a_programs_accounts_are_told(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        await socket.call("programSubscribe", "1" * 32, {"commitment": "processed", "encoding": "base64"})
        wallet = str(Keypair().pubkey())
        await post(running, "requestAirdrop", wallet, 10**9)
        told = [await socket.notification() for _ in range(2)]
        assert wallet in {entry["params"]["result"]["value"]["pubkey"] for entry in told}


async def test_roots_are_told(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        await socket.call("rootSubscribe")
        first, second = [(await socket.notification())["params"]["result"] for _ in range(2)]
        assert second == first + 1


async def test_what_cannot_be_subscribed_is_refused(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        for method, params, code in (
            ("voteSubscribe", (), -32601),
            ("getSlot", (), -32601),
            ("signatureSubscribe", ("nonsense",), -32602),
            ("accountSubscribe", (), -32602),
            ("logsSubscribe", ({"mentions": []},), -32602),
            ("slotUnsubscribe", (99,), -32602),
        ):
            with pytest.raises(RpcFailure) as failed:
                await socket.call(method, *params)
            assert failed.value.code == code
        await socket.socket.send_str("{")
        assert (await socket.socket.receive_json())["error"]["code"] == -32700


async def test_subscriptions_end_with_their_connection(running: Localnet) -> None:
    async with opened(running.ws_url) as socket:
        await socket.call("slotSubscribe")
        assert len(running.endpoint.hub) == 1
    await subscriptions_become(running, 0)


async def test_a_client_that_does_not_read_is_dropped_and_others_are_served(
    running: Localnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_WAITING_MESSAGES", 1_500)
    _, writer = await asyncio.open_connection("127.0.0.1", running.endpoint.ws_port, limit=1)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: localnet\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    subscribe = b'{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}'
    writer.write((b"\x81" + bytes([0x80 | len(subscribe)]) + b"\0\0\0\0" + subscribe) * 1_000)
    await subscriptions_become(running, 1_000)
    await subscriptions_become(running, 0)
    async with opened(running.ws_url) as socket:
        await socket.call("slotSubscribe")
        assert (await socket.notification())["method"] == "slotNotification"
    writer.close()
