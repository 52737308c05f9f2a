"""Who asks: the session token or API key of a request. No cookie is ever looked at below `/api`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine_app.accounts.api_keys import PREFIX
from engine_app.accounts.errors import Unauthorized
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


async def authenticated(
    offered: Services, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Identity:
    """Whose token or key the request carries. Raises Unauthorized where it carries none that is valid."""
    if credentials is None:
        raise Unauthorized
    return await offered.accounts.authenticate(credentials.credentials)


async def _reader(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require(Scope.READ)
    return identity


async def _trader(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require(Scope.TRADE)
    return identity


async def _withdrawer(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require(Scope.WITHDRAW)
    return identity


async def _owner(identity: Annotated[Identity, Depends(authenticated)]) -> Identity:
    identity.require_session()
    return identity


Caller = Annotated[Identity, Depends(_reader)]
"""Who may look at the account."""

Trader = Annotated[Identity, Depends(_trader)]
"""Who may trade for the account."""

Withdrawer = Annotated[Identity, Depends(_withdrawer)]
"""Who may send the account's funds elsewhere."""

Owner = Annotated[Identity, Depends(_owner)]
"""Who is logged in, by a session and no API key."""
