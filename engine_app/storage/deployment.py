"""What this database was first started with, the cluster's genesis hash and the mnemonic's fingerprint, and whether
intake is paused.

A database belongs to one chain and one mnemonic for ever; a process that brings others must not start.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy
from sqlalchemy import CheckConstraint, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.errors import EngineError, register
from engine_app.storage.columns import moment
from engine_app.storage.postgres import Database
from engine_app.storage.prepared import Prepared, Statements


class Deployment(SQLModel, table=True):
    """The one row."""

    __tablename__ = "deployment"
    __table_args__ = (
        CheckConstraint("id = 1", name="deployment_is_one_row"),
        CheckConstraint("(intake_paused_at IS NULL) = (intake_paused_why IS NULL)", name="paused_for_a_reason"),
    )

    id: int = Field(default=1, primary_key=True)
    cluster: str
    genesis_hash: str
    mnemonic_fingerprint: str | None = None
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    intake_paused_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    intake_paused_why: str | None = None


class WrongDeployment(EngineError):
    """The database was started with another chain or another mnemonic."""

    code = register(
        "WRONG_DEPLOYMENT",
        "The database belongs to another chain or to another mnemonic.",
        "Nothing was signed or sent.",
        "Correct SOLANA_RPC_URL or WALLET_MNEMONIC; to start afresh on one machine, run `python -m engine_app reset`.",
    )
    status = 500


async def remember_cluster(database: Database, *, cluster: str, genesis_hash: str) -> None:
    """Remember the chain at first start, and refuse another one later.

    Raises:
        WrongDeployment: the database belongs to a chain with another genesis hash.
    """
    async with database.transaction() as session:
        await session.exec(
            insert(Deployment).values(id=1, cluster=cluster, genesis_hash=genesis_hash).on_conflict_do_nothing()
        )
        known = (await session.exec(select(Deployment))).one()
    if known.genesis_hash != genesis_hash:
        raise WrongDeployment(
            f"the database was started with the chain {known.genesis_hash} ({known.cluster}), but the endpoint "
            f"serves {genesis_hash}; point SOLANA_RPC_URL back, or run `python -m engine_app reset` to start afresh"
        )


async def remembered_genesis(database: Database) -> str | None:
    """The genesis hash this database was started with, or None before the first start."""
    async with database.transaction() as session:
        return (await session.exec(select(Deployment.genesis_hash))).first()


async def remember_mnemonic(database: Database, fingerprint: str) -> None:
    """Remember the mnemonic's fingerprint at first start, and refuse another one later.

    Call it after `remember_cluster`.

    Raises:
        WrongDeployment: the database's addresses were derived from another mnemonic.
    """
    async with database.transaction() as session:
        await session.exec(
            update(Deployment)
            .where(col(Deployment.mnemonic_fingerprint).is_(None))
            .values(mnemonic_fingerprint=fingerprint)
        )
        known = (await session.exec(select(Deployment))).one()
    if known.mnemonic_fingerprint != fingerprint:
        raise WrongDeployment(
            "WALLET_MNEMONIC is not the one this database was started with; its addresses could not be signed for"
        )


PAUSED_WHY = select(Deployment.intake_paused_why).scalar_subquery()
"""Why no new orders are taken, in the operator's words; NULL where they are."""
_PAUSED = Prepared(sqlalchemy.select(PAUSED_WHY.label("why")))


async def intake_paused(session: Statements) -> str | None:
    """The same as a value."""
    found = await _PAUSED.row(session, {})
    why: str | None = (found or {}).get("why")
    return why


async def pause_intake(session: AsyncSession, why: str | None) -> bool:
    """Take no new orders from now on, for this reason, or take them again (None); False before the first start."""
    paused_at = None if why is None else func.clock_timestamp()
    changed = await session.exec(
        update(Deployment).values(intake_paused_at=paused_at, intake_paused_why=why).returning(col(Deployment.id))
    )
    return changed.first() is not None
