"""What the browser itself asks for with its cookie: forms that open and close a session, and files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.errors import CommonPassword, Unauthorized
from engine_app.accounts.origins import is_own_form
from engine_app.accounts.quotas import account_quota, address_of, address_quota, count
from engine_app.accounts.service import Identity, Session
from engine_app.services import services
from engine_app.ui import cookies
from engine_app.ui.browser import LOGIN
from engine_app.ui.history import choice_of, filter_of
from engine_app.ui.places import ACCOUNT, NEXT, way_back
from engine_app.ui.words import TOLD, code_of, retry_after_of

router = APIRouter(prefix="/session", include_in_schema=False)

SEE_OTHER = 303
Field = Annotated[str, Form()]
Back = Annotated[str, Form(alias=NEXT)]


@router.post("/login")
async def log_in(request: Request, username: Field = "", password: Field = "", back: Back = "") -> RedirectResponse:
    """Log in to an account that exists and go on to where one was sent from, else back to the log-in page with the
    reason."""
    require_own_page(request)
    devices = cookies.device_tokens(request.cookies, services().settings)
    try:
        session = await services().accounts.log_in(
            username, password, client_ip(request), devices=devices, agent=_agent(request)
        )
    except TOLD as error:
        return _refused(LOGIN, error, username, way_back(back))
    return _opened(session, way_back(back))


@router.post("/create")
async def create(request: Request, username: Field = "", password: Field = "", back: Back = "") -> RedirectResponse:
    """Make an account, log in to it and go on as after a log-in, else back to the create page with the reason."""
    require_own_page(request)
    try:
        session = await services().accounts.create(username, password, client_ip(request), agent=_agent(request))
    except TOLD as error:
        return _refused("/create-account/", error, username, way_back(back))
    return _opened(session, way_back(back))


@router.post("/logout")
async def log_out(request: Request) -> RedirectResponse:
    """End the session, and forget it in this browser whatever happens."""
    require_own_page(request)
    response = RedirectResponse(LOGIN, SEE_OTHER)
    try:
        await services().upkeep.log_out(await _owner(request), client_ip(request))
    except Unauthorized:
        pass
    except TOLD as error:
        response = _refused(LOGIN, error, "")
    cookies.forget_session(response, services().settings)
    return response


@router.post("/logout-everywhere")
async def log_out_everywhere(request: Request) -> RedirectResponse:
    """End every session of the account, this one too, and forget it in this browser."""
    require_own_page(request)
    response = RedirectResponse(LOGIN, SEE_OTHER)
    try:
        await services().upkeep.log_out_everywhere(await _owner(request), client_ip(request))
    except Unauthorized:
        pass
    except TOLD as error:
        return _back_to_account(error)
    cookies.forget_session(response, services().settings)
    return response


@router.post("/password")
async def change_password(request: Request, password: Field = "", new_password: Field = "") -> RedirectResponse:
    """Change the password and keep this device known; back to the account page with what came of it."""
    require_own_page(request)
    try:
        owner = await _owner(request)
        changed = await services().upkeep.change_password(owner, password, new_password, client_ip(request))
    except Unauthorized:
        return RedirectResponse(LOGIN, SEE_OTHER)
    except TOLD as error:
        return _back_to_account(error)
    said = {"done": "password"} | ({"warning": CommonPassword.code} if changed.warning else {})
    response = RedirectResponse(f"{ACCOUNT}/?{urlencode(said)}", SEE_OTHER)
    cookies.set_device(response, owner.user_id, changed.device_token, services().settings)
    return response


@router.get("/orders.csv")
async def orders_csv(request: Request) -> Response:
    """The orders that a page of the history shows, all pages of it, as a file; to log in without a session.

    It counts as the API's own file does. Raises RateLimited, which the browser shows as a download that failed.
    """
    offered, tokens = services(), services().tokens
    await count(request, offered.counters, address_quota(offered.settings), address_of(request))
    try:
        identity = await _owner(request)
    except Unauthorized:
        return RedirectResponse(LOGIN, SEE_OTHER)
    await count(request, offered.counters, account_quota(offered.settings), identity.user_id)
    choice = choice_of(request.query_params, [token.symbol for token in tokens.all()])
    lines = offered.orders.export(identity.user_id, filter_of(choice, datetime.now(UTC), tokens.mint))
    headers = {"Content-Disposition": 'attachment; filename="orders.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def require_own_page(request: Request) -> None:
    """Refuse a form that no page of ours sent: it could log a person in to somebody else's account."""
    if not is_own_form(request.headers, services().settings.public_url):
        raise HTTPException(403, "the form was not sent by a page of this site")


async def _owner(request: Request) -> Identity:
    """Whose session's cookie a request carries. Raises Unauthorized."""
    token = request.cookies.get(cookies.session_name(services().settings), "")
    return await services().accounts.authenticate_session(token)


def _back_to_account(error: Exception) -> RedirectResponse:
    return RedirectResponse(f"{ACCOUNT}/?{urlencode(_reason(error))}", SEE_OTHER)


def _opened(session: Session, back: str) -> RedirectResponse:
    # The trade page is the one that warns.
    to = f"/?{urlencode({'warning': CommonPassword.code})}" if session.warning else back
    response = RedirectResponse(to, SEE_OTHER)
    cookies.set_session(response, session.token, services().settings)
    cookies.set_device(response, session.user_id, session.device_token, services().settings)
    return response


def _refused(page: str, error: Exception, username: str, back: str = "/") -> RedirectResponse:
    said = _reason(error) | {"name": username[:50]} | ({} if back == "/" else {NEXT: back})
    return RedirectResponse(f"{page}?{urlencode(said)}", SEE_OTHER)


def _reason(error: Exception) -> dict[str, str]:
    """Why something was refused, as the address of a page says it."""
    retry_after = retry_after_of(error)
    return {"error": code_of(error)} | ({} if retry_after is None else {"retry": str(retry_after)})


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
