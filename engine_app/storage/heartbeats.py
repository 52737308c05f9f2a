"""Signs of life of the worker processes, in Postgres: they are seen also while Redis is away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.storage.columns import moment
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.storage.prepared import Prepared, Statements
from engine_app.telemetry.logging import get_logger

BEAT_SECONDS = 2.0
ALIVE = timedelta(seconds=10)
"""A worker that was not seen for longer counts as dead."""
KEPT = timedelta(days=1)

log = get_logger(__name__)


class Heartbeat(SQLModel, table=True):
    """When a worker process was last seen."""

    __tablename__ = "worker_heartbeats"

    worker: str = Field(primary_key=True)
    started_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    seen_at: datetime = Field(default=None, sa_column=moment(default_now=True))


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life of one worker process: how many seconds ago it came, and how long the worker has run."""

    worker: str
    alive: bool
    seen_seconds: float
    up_seconds: float


async def beat(session: Statements, worker: str) -> None:
    """Note that a worker lives now."""
    await _BEAT.rows(session, {"worker": worker})


async def leave(session: AsyncSession, worker: str) -> None:
    """Forget a worker that stops, and any that died long ago."""
    gone = (col(Heartbeat.worker) == worker) | (col(Heartbeat.seen_at) < func.clock_timestamp() - KEPT)
    await session.execute(delete(Heartbeat).where(gone))


async def alive(session: AsyncSession) -> tuple[int, float | None]:
    """How many workers live, and how many seconds ago the latest sign of any was; None where there never was one."""
    now = func.clock_timestamp()
    recent = func.count().filter(col(Heartbeat.seen_at) > now - ALIVE)
    age = func.extract("epoch", now - func.max(col(Heartbeat.seen_at)))
    count, seconds = (await session.execute(select(recent, age).select_from(Heartbeat))).one()
    return int(count), None if seconds is None else float(seconds)


async def signs(session: AsyncSession) -> list[Sign]:
    """Every worker that was not stopped in good order, those that live first, by name; the dead for a day."""
    now = func.clock_timestamp()
    lives = col(Heartbeat.seen_at) > now - ALIVE
    found = await session.execute(
        select(
            col(Heartbeat.worker),
            lives,
            func.extract("epoch", now - col(Heartbeat.seen_at)),
            func.extract("epoch", col(Heartbeat.seen_at) - col(Heartbeat.started_at)),
        )
        .where(col(Heartbeat.seen_at) > now - KEPT)
        .order_by(lives.desc(), col(Heartbeat.worker))
    )
    return [Sign(worker, alive, max(float(seen), 0.0), float(up)) for worker, alive, seen, up in found.all()]


async def keep_beating(database: Database, worker: str) -> None:
    """Give a sign of life every two seconds until cancelled."""
    while True:
        try:
            async with database.at_once() as session:
                await beat(session, worker)
        except DATABASE_AWAY as error:
            log.warning("heartbeat.database_away", error=type(error).__name__)
        await asyncio.sleep(BEAT_SECONDS)


_BEAT = Prepared(
    insert(Heartbeat)
    .values(worker=bindparam("worker"))
    .on_conflict_do_update(index_elements=["worker"], set_={"seen_at": func.clock_timestamp()})
    .returning(col(Heartbeat.worker))
)
