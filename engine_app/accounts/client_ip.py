"""The address that limits count against."""

from __future__ import annotations

from starlette.requests import Request


def client_ip(request: Request) -> str:
    """The address the connection comes from."""
    return request.client.host if request.client else "unknown"
