"""No request's body is larger than `MAX_BODY_BYTES`: JSON, forms of the page, and Socket.IO's polling alike."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine_app.api.problems import BODY_TOO_LARGE, problem

MAX_BODY_BYTES = 64 * 1024
TOO_LARGE = f"the body is larger than {MAX_BODY_BYTES} bytes"
_CLOSING = {"Connection": "close"}
"""The server drops a connection that has the rest of a body on it; who would send on it again is told."""


class BodyLimit:
    """Refuses with 413 what says that it is larger, and stops reading what turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
            await problem(413, BODY_TOO_LARGE, TOO_LARGE, headers=_CLOSING)(scope, receive, send)
            return
        received = 0

        async def receive_so_much() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, TOO_LARGE, headers=_CLOSING)
            return message

        await self._app(scope, receive_so_much, send)
