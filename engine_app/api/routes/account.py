"""The account itself: password, sessions, API keys, security log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from engine_app.accounts.client_ip import client_ip
from engine_app.accounts.errors import TooManyKeys
from engine_app.api.account_schemas import (
    ChangePasswordRequest,
    ChangePasswordResponse,
    CreateKeyRequest,
    CreateKeyResponse,
    KeysResponse,
    SecurityLogQuery,
    SecurityLogResponse,
    SessionsEndedResponse,
    SessionsResponse,
    entry_of,
    key_of,
    session_of,
)
from engine_app.api.auth import DEVICE_TOKEN, DEVICE_TOKEN_HEADER, Owner, Services
from engine_app.api.exact import ExactResponse, ExactRoute
from engine_app.api.problems import documented

router = APIRouter(prefix="/api/account", tags=["account"], route_class=ExactRoute)

LARGEST_ID = 2**31 - 1
SessionId = Annotated[int, Path(alias="sessionId", ge=1, le=2**63 - 1, description="`id` of the list of sessions")]
KeyId = Annotated[int, Path(alias="keyId", ge=1, le=LARGEST_ID, description="`id` of the list of keys")]


@router.post(
    "/password",
    summary="Change the password",
    response_model=ChangePasswordResponse,
    responses={
        200: {"description": "Password changed", "headers": DEVICE_TOKEN_HEADER},
        **documented(401, 403, 422, 429, 503),
    },
)
async def change_password(
    wanted: ChangePasswordRequest, request: Request, owner: Owner, services: Services
) -> ExactResponse:
    """Every other session ends at once, and every device but this one becomes a stranger. API keys stay: revoke those
    that somebody else may have."""
    changed = await services.upkeep.change_password(owner, wanted.password, wanted.new_password, client_ip(request))
    answer = ChangePasswordResponse(sessions_ended=changed.sessions_ended, warning=changed.warning)
    return ExactResponse(answer, headers={DEVICE_TOKEN: changed.device_token})


@router.post("/logout", status_code=204, summary="End this session", responses=documented(401, 403, 503))
async def log_out(request: Request, owner: Owner, services: Services) -> Response:
    """The token is refused from now on, and what is open with it is closed."""
    await services.upkeep.log_out(owner, client_ip(request))
    return Response(status_code=204)


@router.post(
    "/logout-everywhere",
    summary="End every session",
    response_model=SessionsEndedResponse,
    responses=documented(401, 403, 503),
)
async def log_out_everywhere(request: Request, owner: Owner, services: Services) -> ExactResponse:
    """This one, too; every device becomes a stranger. API keys stay."""
    ended = await services.upkeep.log_out_everywhere(owner, client_ip(request))
    return ExactResponse(SessionsEndedResponse(sessions_ended=ended))


@router.get(
    "/sessions", summary="The open sessions", response_model=SessionsResponse, responses=documented(401, 403, 503)
)
async def sessions(owner: Owner, services: Services) -> ExactResponse:
    """Newest first."""
    current = owner.require_session()
    opened = await services.upkeep.sessions(owner)
    return ExactResponse(SessionsResponse(sessions=[session_of(one, current) for one in opened]))


@router.delete(
    "/sessions/{sessionId}",
    status_code=204,
    summary="End one session",
    responses=documented(401, 403, 404, 422, 503),
)
async def end_session(session_id: SessionId, request: Request, owner: Owner, services: Services) -> Response:
    """404 also for a session of somebody else."""
    await services.upkeep.end_session(owner, session_id, client_ip(request))
    return Response(status_code=204)


@router.get("/keys", summary="The API keys", response_model=KeysResponse, responses=documented(401, 403, 503))
async def keys(owner: Owner, services: Services) -> ExactResponse:
    """Those that hold, newest first; the keys themselves are told once, when they are made."""
    return ExactResponse(KeysResponse(keys=[key_of(key) for key in await services.upkeep.keys(owner)]))


@router.post(
    "/keys",
    status_code=201,
    summary="Make an API key",
    response_model=CreateKeyResponse,
    responses=documented(401, 403, TooManyKeys, 422, 429, 503),
)
async def create_key(wanted: CreateKeyRequest, request: Request, owner: Owner, services: Services) -> ExactResponse:
    """The answer tells the key, this once. A key can never manage keys, sessions or passwords."""
    made = await services.upkeep.create_key(
        owner,
        name=wanted.name,
        scopes=wanted.scopes,
        days=wanted.days,
        password=wanted.password,
        ip=client_ip(request),
    )
    answer = CreateKeyResponse(**dict(key_of(made.key)), key=made.secret)
    return ExactResponse(answer, status_code=201, headers={"Cache-Control": "no-store"})


@router.delete(
    "/keys/{keyId}", status_code=204, summary="Revoke an API key", responses=documented(401, 403, 404, 422, 503)
)
async def revoke_key(key_id: KeyId, request: Request, owner: Owner, services: Services) -> Response:
    """It is refused from now on. 404 also for a key of somebody else."""
    await services.upkeep.revoke_key(owner, key_id, client_ip(request))
    return Response(status_code=204)


@router.get(
    "/security-log",
    summary="The security log",
    response_model=SecurityLogResponse,
    responses=documented(401, 403, 422, 503),
)
async def security_log(page: Annotated[SecurityLogQuery, Query()], owner: Owner, services: Services) -> ExactResponse:
    """Log-ins, failures, keys, passwords, withdrawals, newest first. Nobody can change it, you neither."""
    before = None if page.cursor is None else int(page.cursor)
    records = await services.upkeep.security_log(owner, limit=page.limit, before=before)
    following = str(records[-1].id) if len(records) == page.limit else None
    return ExactResponse(SecurityLogResponse(entries=[entry_of(record) for record in records], next_cursor=following))
