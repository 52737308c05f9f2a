"""Who has no session at all is sent to the log-in page before any page is drawn."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from engine_app.settings import settings
from engine_app.ui.cookies import session_name
from engine_app.ui.places import needs_session


def strangers_to_login(app: ASGIApp) -> ASGIApp:
    """The app, with a request of a page for an account that carries no session cookie answered by a redirect.

    It only saves strangers the sight of an empty page: whether a session is valid, each handler checks.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_accounts = scope["type"] == "http" and needs_session(scope["path"])
        if is_for_accounts and session_name(settings()) not in HTTPConnection(scope).cookies:
            await RedirectResponse("/login/", 307)(scope, receive, send)
            return
        await app(scope, receive, send)

    return serve
