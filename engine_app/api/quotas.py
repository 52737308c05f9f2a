"""How many requests an account and an address may send, and the headers that tell how many are left.

The headers are those of draft-ietf-httpapi-ratelimit-headers-06: RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset
(seconds) and RateLimit-Policy. Later drafts put all of it into one structured field that few clients read yet.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.limits import network_of
from engine_app.settings import Settings
from engine_app.storage.rate_limits import RateLimited
from engine_app.storage.request_counters import Quota, RequestCounters, Standing

WINDOW_SECONDS = 10
STANDING = "engine.standing"
"""Where a request's scope keeps how its caller stands."""


def address_quota(settings: Settings) -> Quota:
    """Requests of an address, whoever sends them."""
    return Quota("address", settings.requests_per_ip, WINDOW_SECONDS)


def account_quota(settings: Settings) -> Quota:
    """Requests of an account, but for those that place or cancel orders."""
    return Quota("account", settings.requests_per_account, WINDOW_SECONDS)


def orders_quota(settings: Settings) -> Quota:
    """Requests of an account that place or cancel orders."""
    return Quota("orders", settings.orders_per_account, WINDOW_SECONDS)


def quotes_quota(settings: Settings) -> Quota:
    """Quotes and tokens that an address asks for without a session."""
    return Quota("quotes", settings.quotes_per_ip, WINDOW_SECONDS)


async def count(request: Request, counters: RequestCounters, quota: Quota, subject: int | str) -> None:
    """Count a request, and keep for its answer how the caller stands where that is closer to the limit than before.

    Raises:
        RateLimited: it is one too many. Where Redis is away nobody counts, and nothing is refused.
    """
    standing = await counters.count(quota, str(subject))
    if standing is None:
        return
    before: Standing | None = request.scope.get(STANDING)
    if before is None or standing.remaining * before.quota.amount <= before.remaining * standing.quota.amount:
        request.scope[STANDING] = standing
    if standing.exceeded:
        raise RateLimited(
            f"at most {quota.amount} requests in {quota.seconds} s; try again in {standing.resets_in} s",
            retry_after=standing.resets_in,
        )


def address_of(request: HTTPConnection) -> str:
    """The address that a request counts for."""
    return network_of(client_ip(request))


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
