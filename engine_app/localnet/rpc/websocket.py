"""JSON-RPC over websocket: subscribe, unsubscribe, and notifications. A client that does not keep up is dropped."""

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from engine_app.localnet.rpc.errors import (
    RpcError,
    invalid_params,
    invalid_request,
    method_not_found,
    parse_error,
)
from engine_app.localnet.rpc.params import Params
from engine_app.localnet.rpc.subscriptions import (
    Hub,
    SignatureSubscription,
    Subscription,
    parse_subscription,
)

logger = logging.getLogger(__name__)

MAX_WAITING_MESSAGES = 8_192
"""Messages a client may be behind before it is dropped."""
_HEARTBEAT_SECONDS = 30.0
_SUBSCRIBE, _UNSUBSCRIBE = "Subscribe", "Unsubscribe"


class Client:
    """One connection: its subscriptions, and what still has to be written to it."""

    def __init__(self, hub: Hub, request: web.BaseRequest, socket: web.WebSocketResponse) -> None:
        self._hub = hub
        self._request = request
        self._socket = socket
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._subscriptions: dict[int, Subscription] = {}
        self._is_dropped = False

    def take(self, text: str | bytes) -> None:
        """Answer one message from the client; what a dropped one had still sent is ignored."""
        if self._is_dropped:
            return
        try:
            call = orjson.loads(text)
        except orjson.JSONDecodeError:
            self._fail(None, parse_error())
            return
        if not isinstance(call, dict) or not isinstance(call.get("method"), str):
            self._fail(None, invalid_request())
            return
        try:
            self._dispatch(call["method"], Params(call.get("params")), call.get("id"))
        except RpcError as error:
            self._fail(call.get("id"), error)

    def _dispatch(self, method: str, params: Params, call_id: object) -> None:
        if method.endswith(_UNSUBSCRIBE):
            self._unsubscribe(params.integer(0), method.removesuffix(_UNSUBSCRIBE), call_id)
            return
        kind = method.removesuffix(_SUBSCRIBE)
        subscription = parse_subscription(kind, params) if kind != method else None
        if subscription is None:
            raise method_not_found()
        subscription_id = self._hub.add(subscription, self._notify)
        self._subscriptions[subscription_id] = subscription
        self._put({"jsonrpc": "2.0", "result": subscription_id, "id": call_id})
        self._hub.catch_up(subscription_id)

    def _unsubscribe(self, subscription_id: int, kind: str, call_id: object) -> None:
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None or subscription.kind != kind:
            raise invalid_params("Invalid subscription id.")
        del self._subscriptions[subscription_id]
        self._hub.remove(subscription_id)
        self._put({"jsonrpc": "2.0", "result": True, "id": call_id})

    def _notify(self, subscription_id: int, subscription: Subscription, result: Any) -> None:
        if isinstance(subscription, SignatureSubscription) and result["value"] != "receivedSignature":
            self._subscriptions.pop(subscription_id, None)
        self._put(
            {
                "jsonrpc": "2.0",
                "method": f"{subscription.kind}Notification",
                "params": {"result": result, "subscription": subscription_id},
            }
        )

    def _fail(self, call_id: object, error: RpcError) -> None:
        self._put({"jsonrpc": "2.0", "error": error.to_json(), "id": call_id})

    def _put(self, message: dict[str, Any]) -> None:
        if self._is_dropped:
            return
        if len(self._waiting) >= MAX_WAITING_MESSAGES:
            logger.warning("websocket client %s does not keep up: dropped", self._request.remote)
            self.drop()
            return
        self._waiting.append(orjson.dumps(message).decode())
        self._wake.set()

    def drop(self) -> None:
        """Cut the connection at once and forget its subscriptions."""
        self._is_dropped = True
        self.forget()
        self._waiting.clear()
        if self._request.transport is not None:
            self._request.transport.abort()

    def forget(self) -> None:
        """End all of its subscriptions."""
        for subscription_id in self._subscriptions:
            self._hub.remove(subscription_id)
        self._subscriptions.clear()

    async def write_out(self) -> None:
        """Write what waits, until cancelled or the connection is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._socket.send_str(self._waiting.popleft())


async def answer_websocket(hub: Hub, request: web.BaseRequest) -> web.WebSocketResponse:
    """Serve one websocket connection until it ends."""
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, compress=False)
    await socket.prepare(request)
    client = Client(hub, request, socket)
    hub.connections.add(client.drop)
    writer = asyncio.create_task(client.write_out())
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                client.take(message.data)
    finally:
        hub.connections.discard(client.drop)
        client.forget()
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
    return socket
