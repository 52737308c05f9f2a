"""Bring a database to the newest revision."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.processes import PROJECT

_REVISION = re.compile(r"""^revision\b[^=\n]*= *["'](\w+)["']""", re.MULTILINE)
_FOLLOWS = re.compile(r"""^down_revision\b[^=\n]*= *["'](\w+)["']""", re.MULTILINE)


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade the database; does nothing where it is there already. Blocks.

    Args:
        database_url: PostgreSQL.
        revision: the revision to end at; `head` is the newest.

    Raises:
        StartFailed: the database does not answer, or was made by a newer version of the engine.
    """
    try:
        with psycopg.connect(libpq_url(database_url), connect_timeout=10) as connection:
            known = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
            at = connection.execute("SELECT version_num FROM alembic_version").fetchall() if known != (None,) else []
    except psycopg.OperationalError as error:
        raise StartFailed(f"the database does not answer: {str(error).strip()}") from None
    if revision == "head" and at == [(newest_revision(PROJECT / "alembic" / "versions"),)]:
        return
    _upgrade(database_url, revision)


def _upgrade(database_url: str, revision: str) -> None:
    # Loaded only where it is needed: it would take a tenth of a warm start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(str(PROJECT / "alembic.ini"))
    config.attributes["database_url"] = database_url
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StartFailed(f"the database cannot be migrated: {error}") from None


def newest_revision(versions: Path) -> str:
    """The revision that no other follows, read from the files; raises ValueError where there is not just one."""
    content = "".join(file.read_text() for file in versions.glob("*.py"))
    newest = {found[1] for found in _REVISION.finditer(content)} - {found[1] for found in _FOLLOWS.finditer(content)}
    if len(newest) != 1:
        raise ValueError(f"{versions} has {len(newest)} newest revisions")
    return newest.pop()


def libpq_url(database_url: str) -> str:
    """The URL as libpq reads it, without the driver that SQLAlchemy's spelling may name."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)
