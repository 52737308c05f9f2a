"""JSON-RPC over HTTP: single requests and batches, at any path, for any origin."""

import logging
from typing import Any

import orjson
from aiohttp import web

from engine_app.localnet.faults.http import Interrupted, before_answer, calls_of, cut, loses_response
from engine_app.localnet.rpc.errors import (
    RpcError,
    internal_error,
    invalid_request,
    method_not_found,
    parse_error,
)
from engine_app.localnet.rpc.methods import METHODS
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.rpc.params import Params

logger = logging.getLogger(__name__)

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    # A page from the internet, such as an explorer, may look at this machine.
    "Access-Control-Allow-Private-Network": "true",
}


async def answer_http(node: Node, request: web.BaseRequest) -> web.Response:
    """The response to one HTTP request."""
    if request.method == "OPTIONS":
        return web.Response(headers=_CORS)
    if request.method == "GET" and request.path == "/health":
        return web.Response(text="ok", headers=_CORS)
    if request.method != "POST":
        return web.Response(status=405, text="Used HTTP Method is not allowed. POST or OPTIONS is required\n")
    body = await request.read()
    if node.chain.faults:
        return await _answer_with_faults(node, request, body)
    return _json(answer_body(node, body))


async def _answer_with_faults(node: Node, request: web.BaseRequest, body: bytes) -> web.Response:
    calls = calls_of(body)
    try:
        await before_answer(node, request, calls)
    except Interrupted as interrupted:
        return interrupted.response
    response = _json(answer_body(node, body))
    return cut(request) if loses_response(node, calls) else response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=_CORS)


def answer_body(node: Node, body: bytes) -> bytes:
    """The JSON answer to a JSON body: a request, or a batch of them."""
    try:
        calls = orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(_failed(None, parse_error()))
    if not isinstance(calls, list):
        return orjson.dumps(answer(node, calls))
    if not calls:
        return orjson.dumps(_failed(None, invalid_request()))
    return orjson.dumps([answer(node, call) for call in calls])


def answer(node: Node, call: object) -> dict[str, Any]:
    """The response object to one request object."""
    if not isinstance(call, dict) or not isinstance(call.get("method"), str):
        return _failed(None, invalid_request())
    call_id = call.get("id")
    try:
        method = METHODS.get(call["method"])
        if method is None:
            raise method_not_found()
        node.calls[call["method"]] += 1
        return {"jsonrpc": "2.0", "result": method(node, Params(call.get("params"))), "id": call_id}
    except RpcError as error:
        return _failed(call_id, error)
    except Exception:
        logger.exception("%s failed", call["method"])
        return _failed(call_id, internal_error())


def _failed(call_id: object, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.to_json(), "id": call_id}
