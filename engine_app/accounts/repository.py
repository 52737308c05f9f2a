"""All SQL over users."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts.models import User


async def by_key(session: AsyncSession, name_key: str) -> User | None:
    """The user whose folded name is `name_key`, or None."""
    return (await session.exec(select(User).where(col(User.name_key) == name_key))).first()


async def by_id(session: AsyncSession, user_id: int) -> User | None:
    """The user of this id, or None."""
    return await session.get(User, user_id)


async def keep_password(session: AsyncSession, user: User) -> bool:
    """Whether the password is still the one that `user` was read with; it stays so until the transaction ends."""
    statement = select(User.id).where(User.id == user.id, User.password_hash == user.password_hash)
    return (await session.exec(statement.with_for_update(read=True))).first() is not None


async def set_password(session: AsyncSession, user_id: int, new_hash: str, *, instead_of: str | None = None) -> bool:
    """Store a new password and make every known device a stranger.

    Args:
        session: the caller's transaction.
        user_id: whose password.
        new_hash: the new one's hash.
        instead_of: the old one's hash, where only that one may give way.

    Returns:
        False where the password is no longer the old one; nothing was changed then.
    """
    statement = update(User).where(col(User.id) == user_id)
    if instead_of is not None:
        statement = statement.where(col(User.password_hash) == instead_of)
    changed = statement.values(password_hash=new_hash, devices_since=func.clock_timestamp()).returning(col(User.id))
    return (await session.exec(changed)).scalar_one_or_none() is not None


async def forget_devices(session: AsyncSession, user_id: int) -> None:
    """Make every device of the user a stranger."""
    await session.exec(update(User).where(col(User.id) == user_id).values(devices_since=func.clock_timestamp()))


async def insert_user(session: AsyncSession, *, username: str, name_key: str, password_hash: str) -> int | None:
    """Insert a user and return the new id, or None where the folded name is taken."""
    statement = (
        insert(User)
        .values(username=username, name_key=name_key, password_hash=password_hash)
        .on_conflict_do_nothing(index_elements=["name_key"])
        .returning(col(User.id))
    )
    return (await session.exec(statement)).scalar_one_or_none()
