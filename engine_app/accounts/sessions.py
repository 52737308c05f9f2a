"""All SQL over sessions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import ColumnElement, String, bindparam, delete, func
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts.models import LONGEST_AGENT, OpenedSession, User
from engine_app.storage.prepared import Prepared, Statements

KEPT_AFTER_EXPIRY = timedelta(days=30)
MOST_LISTED = 200


async def open_session(
    session: AsyncSession, *, user_id: int, token_id: str, expires_at: datetime, ip: str, agent: str
) -> OpenedSession:
    """Write down a session that is being opened, and forget those of the user that are over for long."""
    over = func.clock_timestamp() - KEPT_AFTER_EXPIRY
    await session.exec(
        delete(OpenedSession).where(col(OpenedSession.user_id) == user_id, col(OpenedSession.expires_at) < over)
    )
    opened = OpenedSession(
        user_id=user_id, token_id=token_id, expires_at=expires_at, ip=ip, agent=printable(agent)[:LONGEST_AGENT]
    )
    session.add(opened)
    await session.flush()
    return opened


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose an open session is."""

    session_id: int
    user_id: int
    username: str


async def holder(session: Statements, token_id: str) -> Holder | None:
    """Whose session a token stands for, where it still holds; by one read over two indexes."""
    row = await _HOLDER.row(session, {"token": token_id})
    return None if row is None else Holder(**row)


async def open_of(session: AsyncSession, user_id: int) -> Sequence[OpenedSession]:
    """A user's sessions that hold, newest first, at most `MOST_LISTED`."""
    statement = select(OpenedSession).where(col(OpenedSession.user_id) == user_id, _holds())
    return (await session.exec(statement.order_by(col(OpenedSession.id).desc()).limit(MOST_LISTED))).all()


async def end(session: AsyncSession, user_id: int, *, only: int | None = None, but: int | None = None) -> Sequence[int]:
    """End a user's sessions that hold: one, or all but one, or all.

    Returns:
        The ids of those that ended by this call.
    """
    statement = update(OpenedSession).where(col(OpenedSession.user_id) == user_id, _holds())
    if only is not None:
        statement = statement.where(col(OpenedSession.id) == only)
    if but is not None:
        statement = statement.where(col(OpenedSession.id) != but)
    ended = statement.values(ended_at=func.clock_timestamp()).returning(col(OpenedSession.id))
    return (await session.exec(ended)).scalars().all()


async def still_holding(session: AsyncSession, ids: Iterable[int]) -> set[int]:
    """Those of the sessions that hold."""
    statement = select(OpenedSession.id).where(col(OpenedSession.id).in_(list(ids)), _holds())
    return set((await session.exec(statement)).all())


def printable(text: str) -> str:
    """A text from outside without what Postgres cannot store or a person cannot see."""
    return "".join(character for character in text if character.isprintable())


def _holds() -> ColumnElement[bool]:
    return col(OpenedSession.ended_at).is_(None) & (col(OpenedSession.expires_at) > func.clock_timestamp())


_HOLDER = Prepared(
    sqlalchemy.select(col(OpenedSession.id).label("session_id"), col(OpenedSession.user_id), col(User.username))
    .join(User, col(User.id) == col(OpenedSession.user_id))
    .where(col(OpenedSession.token_id) == bindparam("token", type_=String()), _holds())
)
