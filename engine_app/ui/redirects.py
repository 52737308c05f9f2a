"""What the site answers before any page is drawn: strangers are sent to log in, orders have addresses of their own."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine_app.settings import settings
from engine_app.ui.browser import log_in_at
from engine_app.ui.cookies import session_name
from engine_app.ui.places import needs_session, order_in, way_back

OK, NOT_FOUND = 200, 404


def strangers_to_login(app: ASGIApp) -> ASGIApp:
    """The app, with a request of a page for an account that carries no session cookie answered by a redirect.

    It only saves strangers the sight of an empty page: whether a session is valid, each handler checks.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_for_accounts = scope["type"] == "http" and needs_session(scope["path"])
        if is_for_accounts and session_name(settings()) not in HTTPConnection(scope).cookies:
            query = scope["query_string"].decode("latin-1")
            back = way_back(f"{scope['path']}?{query}" if query else scope["path"])
            await RedirectResponse(log_in_at(back), 307)(scope, receive, send)
            return
        await app(scope, receive, send)

    return serve


def order_pages(app: ASGIApp) -> ASGIApp:
    """The app, which knows the addresses of orders: the export has one page for all of them, and serves it to
    addresses that it does not know as not found."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or order_in(scope["path"]) is None:
            await app(scope, receive, send)
            return

        async def send_as_found(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == NOT_FOUND:
                message = {**message, "status": OK}
            await send(message)

        await app(scope, receive, send_as_found)

    return serve
