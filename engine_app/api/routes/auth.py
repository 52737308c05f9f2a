"""Accounts and sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request

from engine_app.accounts.client_ip import client_ip
from engine_app.api.auth import Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented
from engine_app.api.schemas import AuthRequest, AuthResponse

router = APIRouter(tags=["auth"], route_class=ExactRoute)


@router.post(
    "/api/auth",
    summary="Log in or make an account",
    response_model=AuthResponse,
    responses={201: {"description": "Account made", "model": AuthResponse}, **documented(401, 409, 422, 429, 503)},
)
async def open_session(wanted: AuthRequest, request: Request, services: Services) -> ExactResponse:
    """Without `mode`: logs in where the name exists, else makes the account. That this tells which names exist is
    meant. 201 where an account was made, 200 where one was logged in."""
    accounts = services.accounts
    enter = {None: accounts.log_in_or_create, "login": accounts.log_in, "create": accounts.create}[wanted.mode]
    session = await enter(wanted.username, wanted.password, client_ip(request))
    return ExactResponse(
        AuthResponse(user_id=session.user_id, username=session.username, token=session.token),
        status_code=201 if session.created else 200,
    )
