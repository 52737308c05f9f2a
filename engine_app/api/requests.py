"""Each request's id in and out, its log lines, its metrics, its span."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine_app.telemetry import metrics, tracing
from engine_app.telemetry.logging import get_logger
from engine_app.telemetry.requests import HEADER, bound_request, request_id

log = get_logger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
NO_ROUTE = "none"
OTHER_METHOD = "other"


class Requests:
    """Answers carry the caller's X-Request-Id, or one made here, which every log line of the request carries too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request = request_id(headers.get(HEADER))
        began = time.monotonic()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request
            await send(message)

        name = f"{scope['method']} {scope['path']}"
        with bound_request(request), tracing.span(name, carried=_trace(headers), request=request):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                seconds = time.monotonic() - began
                route = _route(scope)
                metrics.HTTP_REQUESTS.labels(_method(scope), route, str(status)).inc()
                metrics.HTTP_SECONDS.labels(route).observe(seconds)
                log.debug("api.answered", path=scope["path"], status=status, seconds=round(seconds, 4))


def _trace(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}


def _method(scope: Scope) -> str:
    """The method where it is one of HTTP's; a client may make up any number of others."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD


def _route(scope: Scope) -> str:
    """The route as it is declared, not as it was asked for: there are few of the one and any number of the other."""
    route: Any = scope.get("route")
    return getattr(route, "path", NO_ROUTE)
