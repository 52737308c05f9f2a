"""Which pages may talk to the server with a person's cookie: its own, and no other."""

from __future__ import annotations

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
    return urlsplit(origin).netloc in {host for host in hosts if host}
