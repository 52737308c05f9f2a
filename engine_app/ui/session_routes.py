"""Opening and closing a session: plain form posts that set or clear the HttpOnly cookie and load a page anew."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.errors import CommonPassword, Unauthorized
from engine_app.accounts.origins import is_own_form
from engine_app.accounts.service import Session
from engine_app.services import services
from engine_app.ui import cookies
from engine_app.ui.words import TOLD, code_of, retry_after_of

router = APIRouter(prefix="/session", include_in_schema=False)

SEE_OTHER = 303
Field = Annotated[str, Form()]


@router.post("/login")
async def log_in(request: Request, username: Field = "", password: Field = "") -> RedirectResponse:
    """Log in to an account that exists, else back to the log-in page with the reason."""
    require_own_page(request)
    devices = cookies.device_tokens(request.cookies, services().settings)
    try:
        session = await services().accounts.log_in(
            username, password, client_ip(request), devices=devices, agent=_agent(request)
        )
    except TOLD as error:
        return _refused("/login/", error, username)
    return _opened(session)


@router.post("/create")
async def create(request: Request, username: Field = "", password: Field = "") -> RedirectResponse:
    """Make an account and log in to it, else back to the create page with the reason."""
    require_own_page(request)
    try:
        session = await services().accounts.create(username, password, client_ip(request), agent=_agent(request))
    except TOLD as error:
        return _refused("/create-account/", error, username)
    return _opened(session)


@router.post("/logout")
async def log_out(request: Request) -> RedirectResponse:
    """End the session, and forget it in this browser whatever happens."""
    require_own_page(request)
    token = request.cookies.get(cookies.session_name(services().settings), "")
    response = RedirectResponse("/login/", SEE_OTHER)
    try:
        identity = await services().accounts.authenticate_session(token)
        await services().upkeep.log_out(identity, client_ip(request))
    except Unauthorized:
        pass
    except TOLD as error:
        response = _refused("/login/", error, "")
    cookies.forget_session(response, services().settings)
    return response


def require_own_page(request: Request) -> None:
    """Refuse a form that no page of ours sent: it could log a person in to somebody else's account."""
    if not is_own_form(request.headers, services().settings.public_url):
        raise HTTPException(403, "the form was not sent by a page of this site")


def _opened(session: Session) -> RedirectResponse:
    warned = f"?{urlencode({'warning': CommonPassword.code})}" if session.warning else ""
    response = RedirectResponse(f"/{warned}", SEE_OTHER)
    cookies.set_session(response, session.token, services().settings)
    cookies.set_device(response, session.user_id, session.device_token, services().settings)
    return response


def _refused(page: str, error: Exception, username: str) -> RedirectResponse:
    reason = {"error": code_of(error), "name": username[:50]}
    if (retry_after := retry_after_of(error)) is not None:
        reason["retry"] = str(retry_after)
    return RedirectResponse(f"{page}?{urlencode(reason)}", SEE_OTHER)


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
