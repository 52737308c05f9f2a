"""What requests and responses about the account itself look like."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, StrictStr

from engine_app.accounts.api_keys import PREFIX
from engine_app.accounts.models import ApiKey, OpenedSession
from engine_app.accounts.scopes import Scope
from engine_app.accounts.security_log import SecurityRecord
from engine_app.api.shapes import RequestShape, ResponseShape

_MOMENT = datetime.fromisoformat("2026-01-01T12:00:00Z")
_LONGEST_KEY_DAYS = 3650


class ChangePasswordRequest(RequestShape):
    """The password as it is, and as it shall be."""

    password: StrictStr = Field(description="the account's password", examples=["correct horse battery"])
    new_password: StrictStr = Field(description="8 to 72 bytes of UTF-8", examples=["staple correct horse"])


class ChangePasswordResponse(ResponseShape):
    """The password was changed."""

    sessions_ended: int = Field(description="how many other sessions ended", examples=[2])
    warning: str | None = Field(
        default=None, description="what to tell the person about the new password", examples=[None]
    )


class SessionsEndedResponse(ResponseShape):
    """Sessions ended."""

    sessions_ended: int = Field(description="how many, the one that asked among them", examples=[3])


class SessionResponse(ResponseShape):
    """One open session."""

    id: int = Field(examples=[17])
    current: bool = Field(description="whether it is the one that asks", examples=[True])
    ip: str = Field(description="the address it was opened from", examples=["203.0.113.7"])
    agent: str = Field(description="how the client called itself", examples=["python-httpx/0.28"])
    created_at: datetime = Field(examples=[_MOMENT])
    expires_at: datetime = Field(examples=[_MOMENT])


class SessionsResponse(ResponseShape):
    """The open sessions, newest first."""

    sessions: list[SessionResponse]


class CreateKeyRequest(RequestShape):
    """A new API key."""

    name: StrictStr = Field(description="what you call it, 1 to 50 visible characters", examples=["market maker"])
    scopes: list[Scope] = Field(description="what it may do; none includes another", examples=[["read", "trade"]])
    days: int | None = Field(
        default=None,
        ge=1,
        le=_LONGEST_KEY_DAYS,
        strict=True,
        description="how long it holds; without it until it is revoked",
        examples=[90],
    )
    password: StrictStr = Field(description="the account's password, asked again", examples=["correct horse battery"])


class KeyResponse(ResponseShape):
    """One API key that holds."""

    id: int = Field(examples=[5])
    name: str = Field(examples=["market maker"])
    scopes: list[Scope] = Field(examples=[["read", "trade"]])
    hint: str = Field(description="the key's last characters", examples=["k3Zq"])
    created_at: datetime = Field(examples=[_MOMENT])
    expires_at: datetime | None = Field(examples=[_MOMENT])
    last_used_at: datetime | None = Field(description="to the minute", examples=[_MOMENT])


class CreateKeyResponse(KeyResponse):
    """An API key that was just made."""

    key: str = Field(
        description="the key itself, told this once: send it as `Authorization: Bearer <key>`",
        examples=[f"{PREFIX}…43 more characters…"],
    )


class KeysResponse(ResponseShape):
    """The API keys that hold, newest first."""

    keys: list[KeyResponse]


class SecurityLogQuery(RequestShape):
    """Which page of the security log."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{0,17}$",
        description="`nextCursor` of the page before",
        examples=["1041"],
    )


class SecurityLogEntry(ResponseShape):
    """One thing that happened to the account's doors."""

    at: datetime = Field(examples=[_MOMENT])
    event: str = Field(examples=["login"])
    facts: dict[str, Any] = Field(examples=[{"ip": "203.0.113.7"}])


class SecurityLogResponse(ResponseShape):
    """A page of the security log, newest first; `nextCursor` leads to the next one, null at the end."""

    entries: list[SecurityLogEntry]
    next_cursor: str | None = Field(examples=["1041"])


def session_of(opened: OpenedSession, current: int) -> SessionResponse:
    """A session as it is sent."""
    return SessionResponse(
        id=opened.id,
        current=opened.id == current,
        ip=opened.ip,
        agent=opened.agent,
        created_at=opened.created_at,
        expires_at=opened.expires_at,
    )


def key_of(key: ApiKey) -> KeyResponse:
    """A key as it is sent."""
    return KeyResponse(
        id=key.id,
        name=key.name,
        scopes=[Scope(scope) for scope in key.scopes],
        hint=key.hint,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )


def entry_of(record: SecurityRecord) -> SecurityLogEntry:
    """An entry of the security log as it is sent."""
    return SecurityLogEntry(at=record.at, event=record.event, facts=record.facts)
