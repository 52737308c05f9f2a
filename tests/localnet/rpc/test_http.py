"""JSON-RPC itself: envelopes, batches, and errors."""

from typing import Any

import aiohttp
import orjson

from engine_app.localnet.rpc.http import answer_body
from engine_app.localnet.server import Localnet
from tests.localnet.chains import ManualChain


def _answer(manual: ManualChain, body: bytes) -> Any:
    return orjson.loads(answer_body(manual.node, body))


async def test_a_batch_is_answered_in_order(manual: ManualChain) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "getHealth"},
        {"jsonrpc": "2.0", "id": None, "method": "getNothing", "params": []},
        7,
        {"jsonrpc": "2.0", "id": 3, "method": "getSlot", "params": [{"commitment": "processed"}]},
    ]
    answers = _answer(manual, orjson.dumps(batch))
    assert answers[0] == {"jsonrpc": "2.0", "result": "ok", "id": "a"}
    assert answers[1]["error"] == {"code": -32601, "message": "Method not found"}
    assert answers[2]["error"]["code"] == -32600
    assert answers[3] == {"jsonrpc": "2.0", "result": manual.chain.head.slot, "id": 3}


async def test_what_is_no_request_is_refused(manual: ManualChain) -> None:
    assert _answer(manual, b"{")["error"] == {"code": -32700, "message": "Parse error"}
    assert _answer(manual, b"[]")["error"]["code"] == -32600
    assert _answer(manual, b'{"id": 1}')["error"]["code"] == -32600
    named = {"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": {"commitment": "processed"}}
    assert _answer(manual, orjson.dumps(named))["error"]["code"] == -32602


async def test_http_answers_posts_health_and_preflight_requests(running: Localnet) -> None:
    async with aiohttp.ClientSession(running.url) as session:
        call = {"jsonrpc": "2.0", "id": 1, "method": "getGenesisHash"}
        async with session.post("/", json=call) as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            assert (await response.json())["result"] == str(running.chain.genesis_hash)
        async with session.get("/health") as response:
            assert await response.text() == "ok"
        async with session.options("/") as response:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        async with session.get("/") as response:
            assert response.status == 405
