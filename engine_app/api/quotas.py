"""The headers that tell how many requests are left.

They are those of draft-ietf-httpapi-ratelimit-headers-06: RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset
(seconds) and RateLimit-Policy. Later drafts put all of it into one structured field that few clients read yet.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine_app.accounts.quotas import STANDING
from engine_app.storage.request_counters import Standing


class RateLimitHeaders:
    """Tells every answer how its caller stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_standing(message: Message) -> None:
            standing: Standing | None = scope.get(STANDING)
            if standing is not None and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Limit"] = str(standing.quota.amount)
                headers["RateLimit-Remaining"] = str(standing.remaining)
                headers["RateLimit-Reset"] = str(standing.resets_in)
                headers["RateLimit-Policy"] = f"{standing.quota.amount};w={standing.quota.seconds}"
            await send(message)

        await self._app(scope, receive, send_with_standing)
