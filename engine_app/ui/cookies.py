"""The page's cookies: their names, and how a request's or a socket's cookies are read.

Where cookies are Secure their names begin with `__Host-`, so that no other host of the domain can set them.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.responses import Response

from engine_app.settings import Settings

NAME = "session"
DEVICE_NAME = "device"
HOST_PREFIX = "__Host-"
DEVICE_SECONDS = 180 * 24 * 3600


def is_secure(settings: Settings) -> bool:
    """Whether cookies are sent over TLS alone."""
    return settings.strict or (settings.public_url or "").startswith("https://")


def session_name(settings: Settings) -> str:
    """The name of the session's cookie."""
    return f"{HOST_PREFIX if is_secure(settings) else ''}{NAME}"


def session_cookie(header: str, settings: Settings) -> str:
    """The value of the session's cookie in a Cookie header, or an empty string."""
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return ""
    found = cookies.get(session_name(settings))
    return "" if found is None else found.value


def device_tokens(cookies: Mapping[str, str], settings: Settings) -> list[str]:
    """The device tokens among a request's cookies: one for each account that was logged in to in this browser."""
    return [token for name, token in cookies.items() if name.startswith(_device_prefix(settings))]


def set_session(response: Response, token: str, settings: Settings) -> None:
    """Keep a session's token in the browser for as long as it holds."""
    _keep(response, session_name(settings), token, settings.session_hours * 3600, settings)


def set_device(response: Response, user_id: int, token: str, settings: Settings) -> None:
    """Keep the proof that an account was logged in to in this browser."""
    _keep(response, f"{_device_prefix(settings)}{user_id}", token, DEVICE_SECONDS, settings)


def forget_session(response: Response, settings: Settings) -> None:
    """Have the browser forget the session's token."""
    response.delete_cookie(session_name(settings), path="/", httponly=True, samesite="lax", secure=is_secure(settings))


def _device_prefix(settings: Settings) -> str:
    return f"{HOST_PREFIX if is_secure(settings) else ''}{DEVICE_NAME}-"


def _keep(response: Response, name: str, value: str, seconds: int, settings: Settings) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=is_secure(settings)
    )
