"""How many event sockets an address may open in a while: as many as it may send requests."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from engine_app.accounts.quotas import TRY_AGAIN_LATER, too_many_of_address
from engine_app.services import services
from engine_app.ui.kept_tokens import EVENTS


def few_sockets_per_address(served: ASGIApp) -> ASGIApp:
    """The app, whose event sockets count for their address as requests to the API do. One that is too many is
    refused before it opens, with 403 and code 1013 for servers that pass it on; the page tries again by itself, later
    and later."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"].startswith(EVENTS):
            offered = services()
            if await too_many_of_address(HTTPConnection(scope), offered.counters, offered.settings):
                await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": "too many from this address"})
                return
        await served(scope, receive, send)

    return serve
