"""HTTP answers while faults are in force."""

import asyncio
from dataclasses import dataclass

import orjson
from aiohttp import web

from engine_app.localnet.faults.specs import Down, HttpStatus, Latency, LostResponse, Stale
from engine_app.localnet.messages import signers_of
from engine_app.localnet.rpc.errors import RpcError
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.rpc.wire import decode_transaction


@dataclass(frozen=True, slots=True)
class Call:
    """What faults look at in one call of a request."""

    method: str
    signers: tuple[str, ...]


class Interrupted(Exception):
    """The request gets this response and is not carried out."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def calls_of(body: bytes) -> list[Call]:
    """The calls of a request body, several for a batch; what is no call is left out."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    calls = parsed if isinstance(parsed, list) else [parsed]
    return [
        Call(call["method"], _signers(call))
        for call in calls
        if isinstance(call, dict) and isinstance(call.get("method"), str)
    ]


def _signers(call: dict[str, object]) -> tuple[str, ...]:
    params = call.get("params")
    if call["method"] != "sendTransaction" or not isinstance(params, list) or not params:
        return ()
    config = params[1] if len(params) > 1 and isinstance(params[1], dict) else {}
    try:
        transaction, _ = decode_transaction(str(params[0]), config.get("encoding"))
    except RpcError:
        return ()
    return signers_of(transaction)


async def before_answer(node: Node, request: web.BaseRequest, calls: list[Call]) -> None:
    """Apply what goes wrong before a request is carried out.

    Raises:
        Interrupted: it is not carried out at all.
    """
    if node.fault(Down) is not None:
        raise Interrupted(cut(request))
    for call in calls:
        failure = node.fault(HttpStatus, method=call.method, signers=call.signers)
        if failure is not None:
            node.calls.update(call.method for call in calls)
            raise Interrupted(_failure(failure))
    for call in calls:
        latency = node.fault(Latency, method=call.method, signers=call.signers)
        if latency is not None:
            await asyncio.sleep(latency.milliseconds / 1000)
    node.fault(Stale)


def loses_response(node: Node, calls: list[Call]) -> bool:
    """Whether the answer to a request that was carried out gets lost."""
    return any(node.fault(LostResponse, method=call.method, signers=call.signers) is not None for call in calls)


def cut(request: web.BaseRequest) -> web.Response:
    """Reset the connection; the response is for form's sake."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _failure(failure: HttpStatus) -> web.Response:
    headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
    error = {"code": failure.status, "message": "Too many requests" if failure.status == 429 else "Service unavailable"}
    body = orjson.dumps({"jsonrpc": "2.0", "error": error, "id": None})
    return web.Response(status=failure.status, headers=headers, body=body, content_type="application/json")
