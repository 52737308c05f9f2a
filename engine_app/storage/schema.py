"""Whether the database is one that this version of the engine can work on: its revision, and durable commits."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from sqlalchemy import text

from engine_app.errors import EngineError, register
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.telemetry.logging import get_logger

VERSIONS = Path(__file__).resolve().parents[2] / "alembic" / "versions"
"""The migrations of this version of the engine, one file a revision."""

LOOK_SECONDS = 1.0

_REVISION = re.compile(r"""^revision\b[^=\n]*= *["'](\w+)["']""", re.MULTILINE)
_FOLLOWS = re.compile(r"""^down_revision\b[^=\n]*= *["'](\w+)["']""", re.MULTILINE)

log = get_logger(__name__)


class SchemaBehind(EngineError):
    """The database has not been brought to the revision that this version of the engine needs."""

    code = register(
        "SCHEMA_BEHIND",
        "The database is at an earlier revision than this version of the engine needs.",
        "Nothing was read or written; orders wait as they are.",
        "Run `python -m engine_app migrate`, then start the process again.",
    )
    status = 500


class NotDurable(EngineError):
    """Postgres acknowledges a commit before it is on disk."""

    code = register(
        "NOT_DURABLE",
        "The database acknowledges commits that a crash can undo.",
        "Nothing was read or written; orders wait as they are.",
        "Set fsync, full_page_writes and synchronous_commit to on in Postgres, then start the process again.",
    )
    status = 500


def revisions(versions: Path = VERSIONS) -> frozenset[str]:
    """Every revision that this version of the engine knows, read from the files."""
    return frozenset(found[1] for found in _REVISION.finditer(_content(versions)))


def newest_revision(versions: Path = VERSIONS) -> str:
    """The revision that no other follows, read from the files; raises ValueError where there is not just one."""
    newest = revisions(versions) - {found[1] for found in _FOLLOWS.finditer(_content(versions))}
    if len(newest) != 1:
        raise ValueError(f"{versions} has {len(newest)} newest revisions")
    return next(iter(newest))


def _content(versions: Path) -> str:
    return "".join(file.read_text() for file in sorted(versions.glob("*.py")))


async def require_usable(database: Database) -> None:
    """Make sure that this version of the engine can work on the database.

    A database that a newer version has already migrated is used: processes are replaced one by one, and each
    migration leaves the version before it able to go on.

    Raises:
        SchemaBehind: it has not been migrated.
        NotDurable: its commits are not durable.
        DATABASE_AWAY: it does not answer.
    """
    async with database.connection() as connection:
        durable = await connection.execute(
            text(
                "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' UNION "
                "SELECT name FROM pg_settings WHERE name = 'synchronous_commit' AND setting IN ('off', 'local')"
            )
        )
        if lax := [row[0] for row in durable]:
            raise NotDurable(f"Postgres has {', '.join(sorted(lax))} off: a crash could undo what it acknowledged")
        made = (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one()
        found = None
        if made is not None:
            found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    needed = newest_revision()
    if found is None or (found != needed and found in revisions()):
        at = "has no tables yet" if found is None else f"is at revision {found}"
        raise SchemaBehind(f"the database {at}, and this version needs {needed}: run `python -m engine_app migrate`")
    if found != needed:
        log.warning("schema.newer", found=found, known=needed)


async def require_usable_once_it_answers(database: Database) -> None:
    """The same for a process that starts before its database answers: waits for it. Raises SchemaBehind, NotDurable."""
    while True:
        try:
            await require_usable(database)
        except DATABASE_AWAY:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
