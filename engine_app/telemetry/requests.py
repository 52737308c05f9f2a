"""The id of the request that set work going: bound to every log line it causes, in whichever process."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from uuid import uuid4

import structlog

from engine_app.telemetry.logging import bound

HEADER = "X-Request-Id"

_READABLE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def request_id(given: str | None) -> str:
    """The caller's own id where it is one that can stand in a log and a header, else a new one."""
    return given if given is not None and _READABLE.fullmatch(given) else uuid4().hex


def bound_request(request: str | None) -> AbstractContextManager[None]:
    """Bind the id to what the block logs."""
    return bound(request=request) if request else bound()


def current_request() -> str | None:
    """The id that is bound here."""
    found = structlog.contextvars.get_contextvars().get("request")
    return None if found is None else str(found)
