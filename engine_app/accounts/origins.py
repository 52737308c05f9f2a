"""Which pages may talk to the server in a person's name: its own, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_own_origin(origin: str, hosts: tuple[str, ...], public_url: str | None) -> bool:
    """Whether a request with this Origin header comes from a page of this very server.

    Args:
        origin: the Origin header, e.g. `http://localhost:8000`.
        hosts: the Host header, and X-Forwarded-Host where a proxy sets it; a page of another site can set neither.
        public_url: the origin users reach, where it is configured.
    """
    if public_url is not None and origin == public_url:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host in {own for own in hosts if own}


def is_own_form(headers: Mapping[str, str], public_url: str | None) -> bool:
    """Whether the browser itself vouches that a form was sent by a page of this very server.

    A request that says nothing about where it comes from is not vouched for.

    Args:
        headers: the request's, by lower-case name.
        public_url: the origin users reach, where it is configured.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    if origin is None:
        return site is not None
    return is_own_origin(origin, (headers.get("host", ""), headers.get("x-forwarded-host", "")), public_url)
