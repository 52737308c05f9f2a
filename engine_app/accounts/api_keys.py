"""API keys: what they look like, and all SQL over them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts.models import ApiKey, User
from engine_app.accounts.scopes import Scope

PREFIX = "oek_"
"""Begins every key, so that a person and a scanner for leaked secrets know one when they see it."""

MOST_PER_USER = 50
USE_NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_HINT = 4


def new_key() -> str:
    """A fresh key: the prefix and 256 random bits, too many to be guessed, so a plain digest is enough to store."""
    return PREFIX + secrets.token_urlsafe(32)


def is_key(text: str) -> bool:
    """Whether a bearer credential has the form of a key."""
    return _FORM.fullmatch(text) is not None


def digest_of(key: str) -> bytes:
    """What is stored of a key: its SHA-256."""
    return hashlib.sha256(key.encode()).digest()


async def insert(
    session: AsyncSession, *, user_id: int, name: str, key: str, scopes: Iterable[Scope], expires_at: datetime | None
) -> ApiKey | None:
    """Store a new key of a user; None where the user has `MOST_PER_USER` that hold already."""
    await session.exec(select(User.id).where(User.id == user_id).with_for_update())
    held = select(func.count()).select_from(ApiKey).where(col(ApiKey.user_id) == user_id, _holds())
    if (await session.exec(held)).one() >= MOST_PER_USER:
        return None
    made = ApiKey(
        user_id=user_id,
        name=name,
        digest=digest_of(key),
        hint=key[-_HINT:],
        scopes=sorted(scope.value for scope in scopes),
        expires_at=expires_at,
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    return made


async def of_key(session: AsyncSession, key: str) -> tuple[ApiKey, User] | None:
    """The key's row with its user, where it holds; by one read over two indexes."""
    statement = (
        select(ApiKey, User)
        .join(User, col(User.id) == col(ApiKey.user_id))
        .where(col(ApiKey.digest) == digest_of(key), _holds())
    )
    return (await session.exec(statement)).first()


async def note_use(session: AsyncSession, key_id: int) -> None:
    """Write down that a key was used, where the last note is older than `USE_NOTED_EVERY`."""
    stale = func.clock_timestamp() - USE_NOTED_EVERY
    statement = update(ApiKey).where(
        col(ApiKey.id) == key_id, or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < stale)
    )
    await session.exec(statement.values(last_used_at=func.clock_timestamp()))


async def of_user(session: AsyncSession, user_id: int) -> Sequence[ApiKey]:
    """A user's keys that hold, newest first."""
    statement = select(ApiKey).where(col(ApiKey.user_id) == user_id, _holds())
    return (await session.exec(statement.order_by(col(ApiKey.id).desc()))).all()


async def revoke(session: AsyncSession, user_id: int, *, only: int | None = None) -> Sequence[ApiKey]:
    """Revoke one of a user's keys that hold, or all of them; those that were revoked by this call."""
    statement = update(ApiKey).where(col(ApiKey.user_id) == user_id, _holds())
    if only is not None:
        statement = statement.where(col(ApiKey.id) == only)
    revoked = statement.values(revoked_at=func.clock_timestamp()).returning(ApiKey)
    return (await session.exec(revoked)).scalars().all()


async def still_holding(session: AsyncSession, ids: Iterable[int]) -> set[int]:
    """Those of the keys that hold."""
    statement = select(ApiKey.id).where(col(ApiKey.id).in_(list(ids)), _holds())
    return set((await session.exec(statement)).all())


def _holds() -> ColumnElement[bool]:
    expires = col(ApiKey.expires_at)
    return col(ApiKey.revoked_at).is_(None) & or_(expires.is_(None), expires > func.clock_timestamp())
