"""Headers that tell a browser how little it may do with an answer, and the policies under which pages run.

A page's own inline scripts are allowed by their hashes, no other inline script and no evaluated text is. Styles may be
inline: the components of the page set them on elements and in sheets that they make while they run, whose texts nobody
knows beforehand, and a style can at worst show a page wrongly.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer. `no-referrer` would have browsers send forms with the Origin `null`."""

NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The policy of what is no page."""

NOT_MODIFIED = 304
"""Says nothing of a type: the policy that the browser has kept with the page stays."""

HSTS = "max-age=31536000; includeSubDomains"


def inline_script_hashes(pages: Iterable[str]) -> tuple[str, ...]:
    """What a policy calls the inline scripts of HTML pages, each once: `'sha256-…'`."""
    scripts = {script for page in pages for script in _INLINE_SCRIPT.findall(page) if script}
    digests = (hashlib.sha256(script.encode()).digest() for script in sorted(scripts))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def exported_pages(directory: Path) -> list[str]:
    """The HTML pages of an export; none where there is no export."""
    return [path.read_text() for path in sorted(directory.rglob("*.html"))]


def page_policy(script_hashes: Sequence[str]) -> str:
    """The Content-Security-Policy of pages whose inline scripts have these hashes."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *script_hashes)),
            "script-src-attr 'none'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def strict_headers(app: ASGIApp, *, pages: Iterable[str], secure: bool) -> ASGIApp:
    """The app, with every HTTP answer under strict headers.

    Args:
        app: the application.
        pages: all HTML that it serves; only the inline scripts in it may run.
        secure: whether it is reached over TLS alone.
    """
    policy = page_policy(inline_script_hashes(pages))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if message["status"] != NOT_MODIFIED:
                    is_page = headers.get("content-type", "").startswith("text/html")
                    headers["Content-Security-Policy"] = policy if is_page else NO_PAGE
                for name, value in ALWAYS.items():
                    headers[name] = value
                if secure:
                    headers["Strict-Transport-Security"] = HSTS
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await app(scope, receive, send_strictly)

    return serve
