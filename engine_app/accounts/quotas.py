"""How many requests an account and an address may send, to the API and to the page together."""

from __future__ import annotations

from starlette.requests import HTTPConnection, Request

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.limits import network_of
from engine_app.settings import Settings
from engine_app.storage.rate_limits import RateLimited
from engine_app.storage.request_counters import Quota, RequestCounters, Standing

WINDOW_SECONDS = 10
TRY_AGAIN_LATER = 1013
"""The code with which a websocket is closed that is one too many; one that has not opened yet is answered with 403."""
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
    _require_room(standing)


async def too_many_of_address(connection: HTTPConnection, counters: RequestCounters, settings: Settings) -> bool:
    """Count a new socket for the address that opens it, and tell whether it is one too many."""
    standing = await counters.count(address_quota(settings), address_of(connection))
    return standing is not None and standing.exceeded


async def count_for_account(counters: RequestCounters, settings: Settings, user_id: int) -> None:
    """Count something that is asked for without a request of its own. Raises RateLimited as `count` does."""
    standing = await counters.count(account_quota(settings), str(user_id))
    if standing is not None:
        _require_room(standing)


def _require_room(standing: Standing) -> None:
    if standing.exceeded:
        quota = standing.quota
        raise RateLimited(
            f"at most {quota.amount} requests in {quota.seconds} s; try again in {standing.resets_in} s",
            retry_after=standing.resets_in,
        )


def address_of(request: HTTPConnection) -> str:
    """The address that a request counts for."""
    return network_of(client_ip(request))
