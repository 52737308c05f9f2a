"""Who asks: the bearer token of a request, and the address it comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine_app.accounts.errors import Unauthorized
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


Caller = Annotated[Identity, Depends(authenticated)]
