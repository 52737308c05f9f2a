"""The security log: what happened to an account's doors. Append-only; its owner reads it, nobody changes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.storage.columns import document, moment, reference


class SecurityEvent(StrEnum):
    """What can be written down. A published name never changes its meaning."""

    ACCOUNT_CREATED = "account_created"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    LOGOUT_EVERYWHERE = "logout_everywhere"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_REFUSED = "password_refused"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    ADDRESS_ADDED = "address_added"
    ADDRESS_REMOVED = "address_removed"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"


class SecurityRecord(SQLModel, table=True):
    """One entry. `user_id` is None where a login failed for a name that no account has."""

    __tablename__ = "security_log"
    __table_args__ = (
        CheckConstraint("event ~ '^[a-z][a-z_]*$'", name="event_is_a_name"),
        Index("security_log_of_a_user", "user_id", "id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigInteger)
    user_id: int | None = Field(default=None, sa_column=reference("users.id", nullable=True))
    at: datetime = Field(default=None, sa_column=moment(default_now=True))
    event: str
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=document())


async def record(
    session: AsyncSession, user_id: int | None, event: SecurityEvent, /, **facts: str | int | None
) -> None:
    """Write one entry within the caller's transaction, so that it stands exactly where what it tells of stands.

    Args:
        session: the transaction that does what is recorded.
        user_id: whose account; None where no account has the name.
        event: what happened.
        facts: plain values that tell more, such as `ip`; None is left out. Never a secret.
    """
    told = {name: value for name, value in facts.items() if value is not None}
    session.add(SecurityRecord(user_id=user_id, event=event.value, facts=told))
    await session.flush()


async def page(
    session: AsyncSession, user_id: int, *, limit: int, before: int | None = None
) -> Sequence[SecurityRecord]:
    """At most `limit` entries of a user, newest first; with `before`, those older than the entry of that id."""
    statement = select(SecurityRecord).where(SecurityRecord.user_id == user_id)
    if before is not None:
        statement = statement.where(col(SecurityRecord.id) < before)
    return (await session.exec(statement.order_by(col(SecurityRecord.id).desc()).limit(limit))).all()
