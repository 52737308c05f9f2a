"""Accounts and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.errors import InvalidPassword, InvalidUsername, NameTaken, StockEmpty, WrongCredentials
from engine_app.api.auth import DEVICE_TOKEN, DEVICE_TOKEN_HEADER, Counted, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import AuthRequest, AuthResponse

router = APIRouter(tags=["auth"], route_class=ExactRoute)


@router.post(
    "/api/auth",
    summary="Log in or make an account",
    response_model=AuthResponse,
    response_model_exclude_none=True,
    responses={
        200: {"description": "Logged in", "headers": DEVICE_TOKEN_HEADER},
        201: {"description": "Account made", "model": AuthResponse, "headers": DEVICE_TOKEN_HEADER},
        **documented(401, WrongCredentials, NameTaken, 422, InvalidUsername, InvalidPassword, 429, 503, StockEmpty),
    },
    dependencies=[Counted],
)
async def open_session(
    wanted: AuthRequest,
    request: Request,
    services: Services,
    device_token: Annotated[str | None, Header(description=f"the `{DEVICE_TOKEN}` of an earlier answer")] = None,
    user_agent: Annotated[str, Header(include_in_schema=False)] = "",
) -> ExactResponse:
    """Without `mode`: logs in where the name exists, else makes the account. That this tells which names exist is
    meant. 201 where an account was made, 200 where one was logged in.

    Too many failed log-ins close a name to strangers for a while, never to its owner: keep the `Device-Token` of the
    answer and send it with the next log-in."""
    accounts, ip = services.accounts, client_ip(request)
    devices = () if device_token is None else (device_token,)
    if wanted.mode == "create":
        session = await accounts.create(wanted.username, wanted.password, ip, agent=user_agent)
    else:
        enter = accounts.log_in if wanted.mode == "login" else accounts.log_in_or_create
        session = await enter(wanted.username, wanted.password, ip, devices=devices, agent=user_agent)
    answer = AuthResponse(
        user_id=session.user_id, username=session.username, token=session.token, warning=session.warning
    )
    return ExactResponse(
        answer.model_dump(by_alias=True, exclude_none=True),
        status_code=201 if session.created else 200,
        headers={DEVICE_TOKEN: session.device_token, "Cache-Control": "no-store"},
    )
