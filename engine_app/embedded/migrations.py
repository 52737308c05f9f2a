"""Bring a database to the newest revision, or back to an earlier one."""

from __future__ import annotations

from typing import Literal

import psycopg

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.processes import PROJECT
from engine_app.storage.postgres import libpq_url
from engine_app.storage.schema import newest_revision


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade the database; does nothing where it is there already. Blocks.

    Args:
        database_url: PostgreSQL, also through a pooler that gives each transaction another connection.
        revision: the revision to end at; `head` is the newest.

    Raises:
        StartFailed: the database does not answer, or was made by a newer version of the engine.
    """
    try:
        with psycopg.connect(libpq_url(database_url), connect_timeout=10, prepare_threshold=None) as connection:
            known = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
            at = connection.execute("SELECT version_num FROM alembic_version").fetchall() if known != (None,) else []
    except psycopg.OperationalError as error:
        raise StartFailed(f"the database does not answer: {str(error).strip()}") from None
    if revision == "head" and at == [(newest_revision(),)]:
        return
    _alembic("upgrade", database_url, revision)


def migrate_down(database_url: str, revision: str) -> None:
    """Take the database back to an earlier revision, with what only later ones can hold lost. Blocks.

    Args:
        database_url: PostgreSQL.
        revision: the revision to end at; `base` is an empty database.

    Raises:
        StartFailed: there is no such revision below the database's.
    """
    _alembic("downgrade", database_url, revision)


def _alembic(direction: Literal["upgrade", "downgrade"], database_url: str, revision: str) -> None:
    # Loaded only where it is needed: it would take a tenth of a warm start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(str(PROJECT / "alembic.ini"))
    config.attributes["database_url"] = database_url
    go = command.upgrade if direction == "upgrade" else command.downgrade
    try:
        go(config, revision)
    except CommandError as error:
        raise StartFailed(f"the database cannot be migrated: {error}") from None
