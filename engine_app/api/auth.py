"""Who asks: the session token or API key of a request. No cookie is ever looked at below `/api`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine_app.accounts.api_keys import PREFIX
from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.quotas import account_quota, address_of, address_quota, count, orders_quota, quotes_quota
from engine_app.accounts.scopes import Scope
from engine_app.accounts.service import Identity
from engine_app.services import WebServices, services

_bearer = HTTPBearer(
    auto_error=False,
    description=f"The `token` that `POST /api/auth` gave, or an API key, which begins with `{PREFIX}`.",
)

DEVICE_TOKEN = "Device-Token"  # noqa: S105
"""The header in which a client is told, and tells, that its owner logged in on this device before."""

DEVICE_TOKEN_HEADER: dict[str, Any] = {
    DEVICE_TOKEN: {
        "description": "keep it, and send it with the next log-in: strangers' failures then cannot lock you out",
        "schema": {"type": "string"},
    }
}


async def current_services() -> WebServices:
    """The services of this process."""
    return services()


Services = Annotated[WebServices, Depends(current_services)]


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def counted(request: Request, offered: Services) -> None:
    """Count a request for the address it comes from. Raises RateLimited."""
    await count(request, offered.counters, address_quota(offered.settings), address_of(request))


async def identified(
    offered: Services, credentials: Credentials, _counted: Annotated[None, Depends(counted)]
) -> Identity:
    """Whose token or key the request carries. Raises Unauthorized where it carries none that is valid."""
    if credentials is None:
        raise Unauthorized
    return await offered.accounts.authenticate(credentials.credentials)


Identified = Annotated[Identity, Depends(identified)]


async def authenticated(request: Request, offered: Services, identity: Identified) -> Identity:
    """The same, with the request counted for the account. Raises RateLimited."""
    await count(request, offered.counters, account_quota(offered.settings), identity.user_id)
    return identity


async def _reader(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require(Scope.READ)
    return identity


async def _trader(request: Request, offered: Services, identity: Identified) -> Identity:
    identity.require(Scope.TRADE)
    await count(request, offered.counters, orders_quota(offered.settings), identity.user_id)
    return identity


async def _perhaps(request: Request, offered: Services, credentials: Credentials) -> Identity | None:
    if credentials is not None:
        await counted(request, offered)
        return await _reader(await authenticated(request, offered, await identified(offered, credentials, None)))
    await count(request, offered.counters, quotes_quota(offered.settings), address_of(request))
    return None


async def _withdrawer(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require(Scope.WITHDRAW)
    return identity


async def _owner(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require_session()
    return identity


Caller = Annotated[Identity, Depends(_reader)]
"""Who may look at the account."""

Counted = Depends(counted)
"""Counts requests of a route that needs no session."""

Anyone = Annotated[Identity | None, Depends(_perhaps)]
"""Who may look at the account, or nobody in particular; then few requests are allowed."""

Trader = Annotated[Identity, Depends(_trader)]
"""Who may trade for the account."""

Withdrawer = Annotated[Identity, Depends(_withdrawer)]
"""Who may send the account's funds elsewhere."""

Owner = Annotated[Identity, Depends(_owner)]
"""Who is logged in, by a session and no API key."""
