"""The REST application: its routes, its errors, its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from engine_app.api import docs, problems
from engine_app.api.bodies import BodyLimit
from engine_app.api.document import complete
from engine_app.api.quotas import RateLimitHeaders
from engine_app.api.requests import METHODS, Requests
from engine_app.api.routes import account, auth, health, orders, quote, tokens, wallet, withdrawals
from engine_app.api.sockets.server import OrderSockets, SocketsApp

DESCRIPTION = """Market orders on Solana, executed once at the best price over Raydium and Meteora.

Amounts come in as JSON numbers or decimal strings and go out as exact JSON numbers; `…Units` are the same in base
units. Every error is `application/problem+json` with a stable `code`."""


class _Path(Convertor[str]):
    """The rest of a path, line breaks too: Starlette's own ends at one, so that what is mounted never sees such paths
    and the plain text of whoever mounts it answers them."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """The rest as it is."""
        return value

    def to_string(self, value: str) -> str:
        """The rest as it is."""
        return value


register_url_convertor("path", _Path())


class _NothingHere:
    """Answers 404, or 405 where other methods are taken. As an ASGI application it gets every method, those too that
    nobody has heard of."""

    def __init__(self, known: Sequence[BaseRoute]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise the HTTPException."""
        request = Request(scope)
        allowed = [method for method in METHODS if any(_takes(route, request, method) for route in self._known)]
        if allowed:
            raise HTTPException(405, f"{request.method} is not for this address", {"Allow": ", ".join(allowed)})
        raise HTTPException(404, f"there is nothing at {request.url.path}")


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The document, completed."""
        if self.openapi_schema is None:
            complete(super().openapi())
        return self.openapi_schema or {}


def create_api() -> FastAPI:
    """The API, complete, below `/api`. It expects the process's services to be running when a request comes."""
    api = _Api(
        title="Order engine",
        description=DESCRIPTION,
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    for middleware in (BodyLimit, RateLimitHeaders, Requests):
        api.add_middleware(middleware)
    problems.install(api)
    docs.install(api)
    api.mount("/socket.io", SocketsApp(OrderSockets()))
    for module in (auth, account, orders, wallet, withdrawals, tokens, quote, health):
        api.include_router(module.router)
    api.router.routes.append(Route("/api/{path:path}", _NothingHere(list(api.routes)), include_in_schema=False))
    return api


def _takes(route: BaseRoute, request: Request, method: str) -> bool:
    match, _ = route.matches({**request.scope, "method": method})
    return match is Match.FULL
