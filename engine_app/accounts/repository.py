"""All SQL over users."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts.models import User


async def by_key(session: AsyncSession, name_key: str) -> User | None:
    """The user whose folded name is `name_key`, or None."""
    return (await session.exec(select(User).where(col(User.name_key) == name_key))).first()


async def by_id(session: AsyncSession, user_id: int) -> User | None:
    """The user of this id, or None."""
    return await session.get(User, user_id)


async def insert_user(session: AsyncSession, *, username: str, name_key: str, password_hash: str) -> int | None:
    """Insert a user and return the new id, or None where the folded name is taken."""
    statement = (
        insert(User)
        .values(username=username, name_key=name_key, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=["name_key"])
        .returning(col(User.id))
    )
    return (await session.exec(statement)).scalar_one_or_none()
