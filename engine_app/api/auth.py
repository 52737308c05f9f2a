"""Who asks: the bearer token of a request, and the address it comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.scopes import Scope
from engine_app.accounts.service import Identity
from engine_app.services import WebServices, services

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="The `token` that `POST /api/auth` gave.")


async def current_services() -> WebServices:
    """The services of this process."""
    return services()


Services = Annotated[WebServices, Depends(current_services)]


async def authenticated(
    offered: Services, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Identity:
    """Whose token the request carries. Raises Unauthorized where it carries none that is valid."""
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


Caller = Annotated[Identity, Depends(_reader)]
"""Who may look at the account."""

Trader = Annotated[Identity, Depends(_trader)]
"""Who may trade for the account."""

Withdrawer = Annotated[Identity, Depends(_withdrawer)]
"""Who may send the account's funds elsewhere."""
