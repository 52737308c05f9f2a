"""The address that limits count against, also behind proxies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from granian.utils.proxies import wrap_asgi_with_proxy_headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](:\d+)?|(?P<v4>[0-9.]+):\d+")


def behind_proxies(app: ASGIApp, trusted: Sequence[str]) -> ASGIApp:
    """The app, with each request's address and scheme as the trusted proxies tell them.

    X-Forwarded-For is read from its right end, where the nearest proxy writes; the first address that is no trusted
    proxy's is the client's. Whatever the client itself wrote stands further left and is never looked at. A request
    that comes from nobody trusted keeps its own address.

    Args:
        app: the application.
        trusted: the proxies' addresses and networks, e.g. `10.0.0.0/8`; none: no header is believed.
    """
    return cast("ASGIApp", wrap_asgi_with_proxy_headers(app, list(trusted))) if trusted else app


def client_ip(request: HTTPConnection) -> str:
    """The address that a request comes from, without a port that some proxies write behind it."""
    return without_port(request.client.host if request.client else "unknown")


def without_port(host: str) -> str:
    """An address without the port that some proxies write behind it."""
    found = _WITH_PORT.fullmatch(host)
    return (found["v6"] or found["v4"]) if found else host
