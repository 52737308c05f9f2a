"""Every error as `application/problem+json` (RFC 9457) with the stable code."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from engine_app.accounts.errors import ScopeMissing, Unauthorized
from engine_app.api.exact import Unreadable
from engine_app.api.examples import problem_example
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.errors import EngineError, explain, register
from engine_app.storage.postgres import DATABASE_AWAY, DATABASE_UNAVAILABLE
from engine_app.storage.rate_limits import RateLimited
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
MOST_PROBLEMS_TOLD = 5

INVALID_REQUEST = register(
    "INVALID_REQUEST",
    "The request is not what this address takes.",
    "Nothing was done, no money moved.",
    "Correct the fields that the detail names.",
)
NOT_FOUND = register(
    "NOT_FOUND",
    "There is nothing at this address.",
    "Nothing was done, no money moved.",
    "Check the path.",
)
METHOD_NOT_ALLOWED = register(
    "METHOD_NOT_ALLOWED",
    "This address does not take this method.",
    "Nothing was done, no money moved.",
    "Use a method that the Allow header names.",
)
BODY_TOO_LARGE = register(
    "BODY_TOO_LARGE",
    "The request's body is too large.",
    "Nothing was done, no money moved.",
    "Send a smaller body.",
)

_CODES = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: BODY_TOO_LARGE}
_DATABASE_RETRY_SECONDS = 5


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = Field(description="a URN that ends in the code", examples=["urn:order-engine:error:UNKNOWN_TOKEN"])
    title: str = Field(description="what happened, the same for every error of this code")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what happened this time, and what to do")
    code: str = Field(description="stable: a published code never changes its meaning", examples=["UNKNOWN_TOKEN"])


def problem(
    status: int, code: str, detail: str, *, retry_after: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response of one error."""
    sent = dict(headers or {})
    if retry_after is not None:
        sent["Retry-After"] = str(retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    document = Problem(
        type=f"urn:order-engine:error:{code}",
        title=explain(code).happened,
        status=status,
        detail=detail.encode(errors="replace").decode(),
        code=code,
    )
    return JSONResponse(document.model_dump(), status, sent, MEDIA_TYPE)


GENERIC = {
    400: INVALID_REQUEST,
    401: Unauthorized.code,
    403: ScopeMissing.code,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: BODY_TOO_LARGE,
    422: INVALID_REQUEST,
    429: RateLimited.code,
    500: EngineError.code,
    502: RpcUnavailable.code,
    503: DATABASE_UNAVAILABLE,
}
"""What every route with this status may answer."""


def documented(*told: int | type[EngineError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a route's errors: by status, or by error where a route has its own."""
    codes: dict[int, list[str]] = {}
    for one in told:
        status, code = (one, GENERIC.get(one)) if isinstance(one, int) else (one.status, one.code)
        known = codes.setdefault(status, [])
        if code is not None and code not in known:
            known.append(code)
    return {status: _entry(status, known) for status, known in codes.items()}


def _entry(status: int, codes: list[str]) -> dict[str, Any]:
    examples = {code: {"summary": explain(code).happened, "value": problem_example(status, code)} for code in codes}
    headers: dict[str, Any] = {}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = {"description": "seconds", "schema": {"type": "integer"}}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        **({"headers": headers} if headers else {}),
    }


def install(api: FastAPI) -> None:
    """Answer every error of `api` with a problem document."""

    @api.exception_handler(EngineError)
    async def engine_error(request: Request, error: EngineError) -> JSONResponse:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("api.refused", path=request.url.path, code=error.code, detail=error.detail)
        # What a node says names endpoints and methods: that is for the operator's log alone.
        detail = explain(error.code).happened if isinstance(error, RpcUnavailable | RpcRefused) else error.detail
        return problem(error.status, error.code, detail, retry_after=error.retry_after)

    @api.exception_handler(RequestValidationError)
    async def invalid_request(_request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, INVALID_REQUEST, _told(error))

    @api.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, INVALID_REQUEST if error.status_code < 500 else "INTERNAL")
        return problem(error.status_code, code, str(error.detail), headers=error.headers)

    async def database_error(request: Request, error: Exception) -> JSONResponse:
        log.warning("api.database_away", path=request.url.path, error=type(error).__name__)
        detail = "the database does not answer; look at your orders before you try again"
        return problem(503, DATABASE_UNAVAILABLE, detail, retry_after=_DATABASE_RETRY_SECONDS)

    for kind in DATABASE_AWAY:
        api.add_exception_handler(kind, database_error)

    @api.exception_handler(Exception)
    async def last_resort(request: Request, error: Exception) -> JSONResponse:
        log.error("api.failed", path=request.url.path, exc_info=error)
        return problem(500, "INTERNAL", "something went wrong inside the engine; the operator's log has it")


def _told(error: RequestValidationError) -> str:
    told = [_sentence(item) for item in error.errors()[:MOST_PROBLEMS_TOLD]]
    return "; ".join(told)


def _sentence(item: Mapping[str, Any]) -> str:
    given = item.get("input")
    if isinstance(given, Unreadable):
        return given.reason
    if isinstance(given, bytes):
        return "send a JSON body with the header Content-Type: application/json"
    place = [str(part) for part in item["loc"] if part not in ("body", "query", "path", "header")]
    field = ".".join(place)
    if item["type"] == "extra_forbidden":
        return f"unknown field {field!r}"
    if item["type"] == "missing":
        return f"{field!r} is missing" if field else "a JSON body is missing"
    return f"{field!r}: {item['msg']}" if field else str(item["msg"])
