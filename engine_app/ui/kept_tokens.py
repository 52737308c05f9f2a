"""Session tokens of the pages' sockets, kept in this process alone.

Reflex copies the headers with which a socket was opened into the state of its tab, and several web processes share
that state through Redis, where a token would be found by whoever reads it. So a socket's cookies are taken off before
Reflex sees them, but for the name under which the session's token is kept here: a digest, which lets nobody in.

Only what was signed here as a session's token and has not expired is kept, so that nobody who makes up cookies can
fill the memory or push out the tokens of others. Whether the session still holds, each handler asks the database.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.tokens import Tokens
from engine_app.settings import Settings
from engine_app.ui.cookies import session_cookie, session_name

EVENTS = "/_event"
MOST_KEPT = 100_000
"""Far more than one process can have sockets; those that were opened longest ago are forgotten first."""

_kept: OrderedDict[str, str] = OrderedDict()


def keep(token: str) -> str:
    """Keep a token; the name to find it by."""
    name = hashlib.sha256(token.encode()).hexdigest()
    _kept[name] = token
    _kept.move_to_end(name)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)
    return name


def token_named(name: str) -> str:
    """The token that was kept under a name, or an empty string."""
    return _kept.get(name, "")


def name_of(router_data: Mapping[str, Any], settings: Settings) -> str:
    """The name of the session token that a tab's socket was opened with, or an empty string.

    The browser sends its cookies once, with the socket's handshake: they are what they were at the last page load.
    """
    return session_cookie(router_data.get("headers", {}).get("cookie", ""), settings)


def without_cookies(served: ASGIApp, settings: Settings, tokens: Tokens) -> ASGIApp:
    """The app, whose event sockets come with the name of their session's token instead of with cookies.

    Args:
        served: the app.
        settings: how the session's cookie is called.
        tokens: those of sessions, by which a cookie is told from what somebody made up. Anything else than a websocket
            comes without cookies and without a name: pages open their sockets as websockets at once.
    """

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(EVENTS):
            headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
            if scope["type"] == "websocket" and (token := _session_token(scope["headers"], settings, tokens)):
                headers.append((b"cookie", f"{session_name(settings)}={keep(token)}".encode()))
            scope = {**scope, "headers": headers}
        await served(scope, receive, send)

    return seen


def _session_token(headers: Iterable[tuple[bytes, bytes]], settings: Settings, tokens: Tokens) -> str:
    """The session token among the cookies, or an empty string where there is none that holds."""
    cookies = [value.decode("latin-1") for name, value in headers if name.lower() == b"cookie"]
    token = session_cookie("; ".join(cookies), settings)
    try:
        tokens.read(token)
    except Unauthorized:
        return ""
    return token
