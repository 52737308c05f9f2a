"""Live updates over Socket.IO, from one web process and from two."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import psycopg
import pytest
import socketio.exceptions
from redis import Redis

from tests.conftest import RunningEngine
from tests.listening import Listener, listener
from tests.stopping import stopped
from tests.trading import Bot, bot

FIELDS = {
    "orderId", "kind", "tokenIn", "tokenOut", "amountIn", "amountInUnits", "status", "dexQuotes", "selectedDex",
    "txHash", "executionPrice", "error", "seq", "waitingFor", "finalizedAt", "attempts", "updatedAt",
}  # fmt: skip
NEVER_PAID = {"expectedQuote": "100000"}
"""Such an order is tried, waits, and stays open for a while."""
ENDING = """
UPDATE sessions SET ended_at = clock_timestamp() WHERE user_id = (SELECT id FROM users WHERE username = %s)
"""


@pytest.fixture(scope="module")
def trader(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url, funded=False) as made:
        yield made


@pytest.fixture(scope="module")
def second_web(engine: RunningEngine) -> Iterator[str]:
    """Another web process of the same engine, with room for few."""
    limits = {"SOCKETS_PER_ACCOUNT": "3", "SOCKET_SUBSCRIPTIONS": "5", "SOCKET_MESSAGES_PER_SECOND": "20"}
    with engine.another_web(**limits) as base_url:
        yield base_url


@pytest.fixture
async def live(engine: RunningEngine, trader: Bot) -> AsyncIterator[Listener]:
    async with listener(engine.base_url, auth_of(trader)) as made:
        yield made


def auth_of(trader: Bot) -> dict[str, str]:
    return {"token": trader.client.headers["Authorization"].removeprefix("Bearer ")}


async def refusal(base_url: str, auth: Any) -> dict[str, Any]:
    """Why a connection is refused."""
    client = socketio.AsyncClient(reconnection=False)
    said: list[Any] = []
    client.on("connect_error", said.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(base_url, auth=auth, transports=["websocket"], wait_timeout=10)
    await client.shutdown()
    return dict(said[0])


@pytest.mark.parametrize("auth", [None, {}, {"token": ""}, {"token": "x.y.z"}, {"token": 7}, "a token", ["token"]])
async def test_a_bad_token_is_refused_with_the_reason(engine: RunningEngine, auth: Any) -> None:
    said = await refusal(engine.base_url, auth)
    assert said["data"]["code"] == "UNAUTHORIZED"
    assert said["message"] == said["data"]["message"]


async def test_pages_of_other_sites_cannot_connect(engine: RunningEngine) -> None:
    for origin, status in (("https://elsewhere.example", 400), ("null", 400), (engine.base_url, 200)):
        async with (
            aiohttp.ClientSession(headers={"Origin": origin}) as session,
            session.get(f"{engine.base_url}/socket.io/?EIO=4&transport=polling") as answer,
        ):
            assert answer.status == status, origin


async def test_a_session_that_is_ended_is_dropped_at_once(engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as leaving:
        async with (
            listener(engine.base_url, auth_of(leaving)) as live,
            listener(engine.base_url, auth_of(leaving), transports=("polling",)) as polling,
        ):
            await live.subscribe({})
            answer = await asyncio.to_thread(leaving.client.post, "/api/account/logout")
            assert answer.status_code == 204
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(5):
                await live.dropped.wait()
                await polling.dropped.wait()
            assert asyncio.get_running_loop().time() - began < 3
            said = await refusal(engine.base_url, auth_of(leaving))
    assert said["data"]["code"] == "UNAUTHORIZED"


async def test_nothing_is_done_for_a_session_that_has_ended_even_before_it_is_dropped(engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as leaving:
        async with listener(engine.base_url, auth_of(leaving)) as live:
            assert await live.subscribe({}) == {"ok": True}
            # Redis does not hear of it.
            with psycopg.connect(engine.database_url) as connection:
                connection.execute(ENDING, (leaving.username,))
            dropped = asyncio.create_task(live.dropped.wait())
            for event, wish in (("subscribe", {}), ("subscribe", {"orderId": "7"}), ("anything", {})):
                call = asyncio.create_task(live.call(event, wish))
                await asyncio.wait((call, dropped), return_when=asyncio.FIRST_COMPLETED, timeout=30)
                if dropped.done():
                    call.cancel()
                    await asyncio.gather(call, return_exceptions=True)
                    break
                answer = await call
                assert (answer["ok"], answer["error"]["code"]) == (False, "UNAUTHORIZED")
            await asyncio.wait_for(dropped, 30)


async def test_a_second_websocket_does_not_keep_a_connection_alive(engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as leaving:
        async with aiohttp.ClientSession() as session:
            first = await session.ws_connect(f"{engine.base_url}/socket.io/?EIO=4&transport=websocket")
            sid = json.loads((await first.receive_str())[1:])["sid"]
            await first.send_str("40" + json.dumps(auth_of(leaving)))
            assert (await first.receive_str()).startswith("40")
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{engine.base_url}/socket.io/?EIO=4&transport=websocket&sid={sid}")
            answer = await asyncio.to_thread(leaving.client.post, "/api/account/logout")
            assert answer.status_code == 204
            async with asyncio.timeout(5):
                while not (await first.receive()).type.name.startswith("CLOSE"):
                    pass


async def test_a_websocket_that_came_to_nothing_leaves_room_for_another(engine: RunningEngine, trader: Bot) -> None:
    url = f"{engine.base_url}/socket.io/?EIO=4&transport="
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}polling") as opened:
            sid = json.loads((await opened.text())[1:])["sid"]
        async with session.post(f"{url}polling&sid={sid}", data="40" + json.dumps(auth_of(trader))) as joined:
            assert joined.status == 200
        async with session.ws_connect(f"{url}websocket&sid={sid}") as given_up:
            await given_up.send_str("6")
            await given_up.receive()
        async with session.ws_connect(f"{url}websocket&sid={sid}") as raw:
            await raw.send_str("2probe")
            assert await raw.receive_str() == "3probe"


@pytest.mark.parametrize("transports", [("websocket",), ("polling",), ("polling", "websocket")])
async def test_an_order_is_told_step_by_step(engine: RunningEngine, trader: Bot, transports: tuple[str, ...]) -> None:
    async with listener(engine.base_url, auth_of(trader), transports=transports) as live:
        assert await live.subscribe({}) == {"ok": True}
        order_id = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1")
        told = await live.finalized(order_id)
    assert [update["seq"] for update in told] == list(range(1, len(told) + 1))
    statuses = [update["status"] for update in told]
    assert list(dict.fromkeys(statuses)) == ["pending", "routing", "building", "submitted", "confirmed"]
    assert all(set(update) >= FIELDS for update in told)
    by_status = {update["status"]: update for update in told}
    assert by_status["pending"]["dexQuotes"] == {"raydium": None, "meteora": None}
    assert by_status["pending"]["selectedDex"] is by_status["building"]["txHash"] is None
    assert by_status["submitted"]["waitingFor"]["reason"] == "landing"
    assert by_status["submitted"]["executionPrice"] is None
    shown = await asyncio.to_thread(trader.order, order_id)
    assert told[-1]["txHash"] == shown["txHash"]
    assert told[-1]["executionPrice"] == shown["executionPrice"]
    assert told[-1]["dexQuotes"] == shown["quotes"]
    assert [event["seq"] for event in shown["events"]] == [update["seq"] for update in told]


async def test_what_is_told_again_is_what_was_told_live(engine: RunningEngine, trader: Bot, live: Listener) -> None:
    await live.subscribe({})
    order_id = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1")
    told = await live.finalized(order_id)
    async with listener(engine.base_url, auth_of(trader)) as later:
        assert await later.subscribe({"orderId": order_id, "afterSeq": 0}) == {"ok": True}
        assert await later.finalized(order_id) == told
    async with listener(engine.base_url, auth_of(trader)) as later:
        await later.subscribe({"orderId": order_id, "afterSeq": 3})
        assert await later.finalized(order_id) == told[3:]
    async with listener(engine.base_url, auth_of(trader)) as later:
        await later.subscribe({"orderId": order_id})
        assert await later.finalized(order_id) == told[-1:]


async def test_tries_that_fail_are_told_too(trader: Bot, live: Listener) -> None:
    order_id = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1", **NEVER_PAID)
    assert await live.subscribe({"orderId": order_id, "afterSeq": 0}) == {"ok": True}
    await live.until(lambda: any((update["waitingFor"] or {}).get("reason") == "retry" for update in live.updates))
    await asyncio.to_thread(trader.client.post, f"/api/orders/{order_id}/cancel")
    told = await live.finalized(order_id)
    assert live.seqs(order_id) == list(range(1, len(told) + 1))
    assert (told[-1]["status"], told[-1]["error"]["code"]) == ("failed", "CANCELLED")


async def test_open_orders_come_at_once_and_others_are_left_alone(trader: Bot, live: Listener) -> None:
    done = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.01")
    await asyncio.to_thread(trader.wait, done)
    open_orders = [await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1", **NEVER_PAID) for _ in range(2)]
    await live.subscribe({})
    assert {update["orderId"] for update in live.updates} >= set(open_orders)
    for order_id in open_orders:
        await asyncio.to_thread(trader.client.post, f"/api/orders/{order_id}/cancel")
        told = await live.finalized(order_id)
        assert live.seqs(order_id) == list(range(told[0]["seq"], told[-1]["seq"] + 1))
    assert done not in {update["orderId"] for update in live.updates}


async def test_several_orders_go_on_where_each_was_left(engine: RunningEngine, trader: Bot) -> None:
    placed = [await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1") for _ in range(3)]
    async with listener(engine.base_url, auth_of(trader)) as live:
        assert await live.subscribe({"after": {order_id: n for n, order_id in enumerate(placed)}}) == {"ok": True}
        for n, order_id in enumerate(placed):
            told = await live.finalized(order_id)
            assert live.seqs(order_id) == list(range(n + 1, told[-1]["seq"] + 1))
    assert {update["orderId"] for update in live.updates} == set(placed)


async def test_a_gap_in_the_feed_loses_nothing(engine: RunningEngine, trader: Bot, live: Listener) -> None:
    await live.subscribe({})
    placed = []
    with Redis.from_url(engine.redis_url) as redis:
        for _ in range(4):
            placed.append(await asyncio.to_thread(trader.place, "SOL", "USDC", "0.01"))
            redis.client_kill_filter(_type="pubsub")
            await asyncio.sleep(0.05)
    for order_id in placed:
        told = await live.finalized(order_id)
        assert live.seqs(order_id) == list(range(1, told[-1]["seq"] + 1))


@contextmanager
def nobody_listening(engine: RunningEngine) -> Iterator[None]:
    """For the block, Redis does all but let anybody listen."""
    with Redis.from_url(engine.redis_url) as redis:
        redis.execute_command("ACL", "SETUSER", "default", "-subscribe")
        try:
            redis.client_kill_filter(_type="pubsub")
            yield
        finally:
            redis.execute_command("ACL", "SETUSER", "default", "+subscribe")


async def test_orders_that_come_and_go_within_a_gap_are_told_whole(engine: RunningEngine, stranger: Bot) -> None:
    async with listener(engine.base_url, auth_of(stranger)) as live:
        await live.subscribe({})
        with nobody_listening(engine):
            # Nothing is in the wallet: they fail at once.
            placed = [await asyncio.to_thread(stranger.place, "SOL", "USDC", "0.1") for _ in range(4)]
            ended = [await asyncio.to_thread(stranger.wait, order_id) for order_id in placed]
        for shown in ended:
            await live.finalized(shown["orderId"])
            assert live.seqs(shown["orderId"]) == [event["seq"] for event in shown["events"]]
        assert list(dict.fromkeys(update["orderId"] for update in live.updates)) == placed


async def test_two_web_processes_tell_the_same(
    engine: RunningEngine, trader: Bot, live: Listener, second_web: str
) -> None:
    async with listener(second_web, auth_of(trader)) as other:
        await live.subscribe({})
        await other.subscribe({})
        order_id = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1")
        assert await other.finalized(order_id) == await live.finalized(order_id)
        assert other.seqs(order_id)[0] == 1
        cancelled = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1", **NEVER_PAID)
        # One process publishes that it was asked for, a worker's process what comes of it.
        await asyncio.to_thread(trader.client.post, f"{second_web}/api/orders/{cancelled}/cancel")
        assert await other.finalized(cancelled) == await live.finalized(cancelled)


async def test_foreign_orders_are_refused_a_thousand_times_and_nothing_leaks(
    engine: RunningEngine, trader: Bot, stranger: Bot, live: Listener
) -> None:
    order_id = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.1", **NEVER_PAID)
    foreign = [order_id, *(str(uuid4()) for _ in range(9))]
    async with listener(engine.base_url, auth_of(stranger)) as spy:
        await spy.subscribe({})
        wishes = [
            wish
            for n in range(250)
            for wish in (
                {"orderId": foreign[n % 10]},
                {"orderId": foreign[n % 10], "afterSeq": n},
                {"after": {foreign[n % 10]: 0}},
                {"after": dict.fromkeys(foreign, n)},
            )
        ]
        codes = [(await spy.subscribe(wish))["error"]["code"] for wish in wishes]
        assert len(codes) == 1_000
        assert set(codes) == {"ORDER_NOT_FOUND"}
        await live.subscribe({"orderId": order_id})
        await asyncio.to_thread(trader.client.post, f"/api/orders/{order_id}/cancel")
        await live.finalized(order_id)
        assert spy.updates == []


@pytest.mark.parametrize(
    ("event", "wish", "code"),
    [
        ("subscribe", {"orderId": "7"}, "INVALID_MESSAGE"),
        ("subscribe", {"afterSeq": 7}, "INVALID_MESSAGE"),
        ("subscribe", "everything", "INVALID_MESSAGE"),
        ("unsubscribe", {}, "INVALID_MESSAGE"),
        ("subscribe", {"after": {str(uuid4()): 0}}, "ORDER_NOT_FOUND"),
    ],
)
async def test_what_is_not_understood_is_told(live: Listener, event: str, wish: Any, code: str) -> None:
    answer = await live.call(event, wish)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert answer["error"]["message"]


async def test_an_account_has_so_many_sockets(engine: RunningEngine, stranger: Bot, second_web: str) -> None:
    open_sockets = [listener(second_web, auth_of(stranger)) for _ in range(3)]
    for made in open_sockets:
        await made.__aenter__()
    assert (await refusal(second_web, auth_of(stranger)))["data"]["code"] == "TOO_MANY_SOCKETS"
    await open_sockets[0].__aexit__(None, None, None)
    await let_in(second_web, stranger)
    for made in open_sockets[1:]:
        await made.__aexit__(None, None, None)


async def test_who_leaves_while_he_is_let_in_does_not_stay_counted(stranger: Bot, second_web: str) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(20):
            raw = await session.ws_connect(f"{second_web}/socket.io/?EIO=4&transport=websocket")
            await raw.send_str("40" + json.dumps(auth_of(stranger)))
            await raw.close()
    await let_in(second_web, stranger)


async def let_in(base_url: str, trader: Bot) -> None:
    """Connect, once there is room."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with listener(base_url, auth_of(trader)):
                    return
            except socketio.exceptions.ConnectionError:
                await asyncio.sleep(0.1)


async def test_a_socket_follows_so_many_orders_and_sends_so_many_messages(
    engine: RunningEngine, trader: Bot, second_web: str
) -> None:
    async with listener(second_web, auth_of(trader)) as live:
        with stopped(engine.supervisor, "worker-1", "worker-2"):  # No order ends before the last is asked for.
            placed = [await asyncio.to_thread(trader.place, "SOL", "USDC", "0.01", **NEVER_PAID) for _ in range(6)]
            for order_id in placed[:5]:
                assert (await live.subscribe({"orderId": order_id}))["ok"]
            refused = await live.subscribe({"orderId": placed[5]})
            assert refused["error"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        answers = await asyncio.gather(*(live.call("nothing", {}) for _ in range(300)))
        assert {answer["error"]["code"] for answer in answers} == {"INVALID_MESSAGE", "RATE_LIMITED"}
        await asyncio.sleep(1.1)
        assert (await live.subscribe({"orderId": placed[0]}))["ok"]
    for order_id in placed:
        await asyncio.to_thread(trader.client.post, f"/api/orders/{order_id}/cancel")


RAW = [
    "4" + "x" * 10,
    "42",
    '42["connect",{}]',
    '42["disconnect"]',
    "42[7]",
    '451-["subscribe",{"_placeholder":true,"num":0}]',
    '44{"message":"no"}',
    '42["subscribe",' + "[" * 5_000 + "]" * 5_000 + "]",
    '42["subscribe","' + "x" * 70_000 + '"]',
]


@pytest.mark.parametrize("packet", RAW)
async def test_what_is_no_packet_ends_the_connection_and_no_other(
    engine: RunningEngine, trader: Bot, live: Listener, packet: str
) -> None:
    async with raw_socket(engine, trader) as raw:
        await raw.send_str(packet)
        async with asyncio.timeout(10):
            while not (await raw.receive()).type.name.startswith(("CLOSE", "ERROR")):
                pass
    assert (await live.subscribe({}))["ok"]


async def test_who_never_says_who_he_is_does_not_stay(engine: RunningEngine) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{engine.base_url}/socket.io/?EIO=4&transport=websocket") as raw,
    ):
        async with asyncio.timeout(30):
            while not (await raw.receive()).type.name.startswith("CLOSE"):
                pass


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it(
    engine: RunningEngine, trader: Bot, live: Listener
) -> None:
    placed = [await asyncio.to_thread(trader.place, "SOL", "USDC", "0.01") for _ in range(10)]
    for order_id in placed:
        await asyncio.to_thread(trader.wait, order_id)
    await live.subscribe({})
    parts = urlsplit(engine.base_url)
    with sockets.socket() as silent:
        silent.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        silent.connect((parts.hostname, parts.port))
        silent.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        silent.sendall(frame("40" + json.dumps(auth_of(trader))))
        wish = frame("42" + json.dumps(["subscribe", {"after": dict.fromkeys(placed, 0)}]))

        def flood() -> str:
            """Ask for more and more without ever reading; how it ended."""
            deadline = time.monotonic() + 60
            silent.settimeout(60)
            while time.monotonic() < deadline:
                try:
                    silent.sendall(wish)
                except (ConnectionError, TimeoutError) as error:
                    return type(error).__name__
                time.sleep(0.02)
            return "still there"

        flooding = asyncio.create_task(asyncio.to_thread(flood))
        for _ in range(5):
            began = asyncio.get_running_loop().time()
            told = await asyncio.to_thread(trader.place, "SOL", "USDC", "0.01")
            await live.until(lambda told=told: bool(live.of(told)))  # type: ignore[misc]
            assert asyncio.get_running_loop().time() - began < 5
        assert await flooding in ("ConnectionResetError", "BrokenPipeError")


def frame(text: str) -> bytes:
    """A masked text frame of a websocket client (RFC 6455)."""
    payload = text.encode()
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


class raw_socket:  # noqa: N801 - used as the function it stands for
    """A websocket that has joined, below Socket.IO's own client."""

    def __init__(self, engine: RunningEngine, trader: Bot) -> None:
        self._url = f"{engine.base_url}/socket.io/?EIO=4&transport=websocket"
        self._auth = json.dumps(auth_of(trader))
        self._session = aiohttp.ClientSession()

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        raw = await self._session.ws_connect(self._url)
        await raw.receive_str()
        await raw.send_str("40" + self._auth)
        assert (await raw.receive_str()).startswith("40")
        return raw

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
