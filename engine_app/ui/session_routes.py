"""Opening and closing a session: plain form posts that set or clear the HttpOnly cookie and load a page anew."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.service import Session
from engine_app.services import services
from engine_app.ui.cookies import NAME
from engine_app.ui.origins import is_own_origin
from engine_app.ui.words import TOLD, code_of, retry_after_of

router = APIRouter(prefix="/session", include_in_schema=False)

SEE_OTHER = 303
Field = Annotated[str, Form()]


@router.post("/login")
async def log_in(request: Request, username: Field = "", password: Field = "") -> RedirectResponse:
    """Log in to an account that exists, else back to the log-in page with the reason."""
    require_own_page(request)
    try:
        session = await services().accounts.log_in(username, password, client_ip(request))
    except TOLD as error:
        return _refused("/login/", error, username)
    return _opened(session)


@router.post("/create")
async def create(request: Request, username: Field = "", password: Field = "") -> RedirectResponse:
    """Make an account and log in to it, else back to the create page with the reason."""
    require_own_page(request)
    try:
        session = await services().accounts.create(username, password, client_ip(request))
    except TOLD as error:
        return _refused("/create-account/", error, username)
    return _opened(session)


@router.post("/logout")
async def log_out(request: Request) -> RedirectResponse:
    """Forget the session in this browser."""
    require_own_page(request)
    response = RedirectResponse("/login/", SEE_OTHER)
    response.delete_cookie(NAME, path="/", httponly=True, samesite="lax", secure=_secure())
    return response


def require_own_page(request: Request) -> None:
    """Refuse a form that another site's page sends: it could log a person in to somebody else's account."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    hosts = (request.headers.get("host", ""), request.headers.get("x-forwarded-host", ""))
    if not is_own_origin(origin, hosts, services().settings.public_url):
        raise HTTPException(403, "the form was sent by another site's page")


def _opened(session: Session) -> RedirectResponse:
    response = RedirectResponse("/", SEE_OTHER)
    response.set_cookie(
        NAME,
        session.token,
        max_age=services().settings.session_hours * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_secure(),
    )
    return response


def _refused(page: str, error: Exception, username: str) -> RedirectResponse:
    reason = {"error": code_of(error), "name": username[:50]}
    if (retry_after := retry_after_of(error)) is not None:
        reason["retry"] = str(retry_after)
    return RedirectResponse(f"{page}?{urlencode(reason)}", SEE_OTHER)


def _secure() -> bool:
    settings = services().settings
    return settings.strict or (settings.public_url or "").startswith("https://")
