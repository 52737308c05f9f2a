"""The session cookie: its name, and how a request's or a socket's cookies are read."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

NAME = "session"


def session_token(router_data: Mapping[str, Any]) -> str:
    """The session token among the cookies that the tab's socket connected with, or an empty string.

    The browser sends them once, with the socket's handshake: they are what they were at the last page load.
    """
    header = router_data.get("headers", {}).get("cookie", "")
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return ""
    found = cookies.get(NAME)
    return "" if found is None else found.value
