"""What web and workers ask of the database before they use it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from engine_app.embedded.migrations import migrate_down
from engine_app.storage.postgres import Database
from engine_app.storage.schema import (
    NotDurable,
    SchemaBehind,
    newest_revision,
    require_usable,
    revisions,
)

REVISION = "revision = {!r}\ndown_revision = {!r}\n"


def test_the_newest_revision_is_the_one_that_no_other_follows(tmp_path: Path) -> None:
    for number, before in (("0002", "0001"), ("0001", None), ("0003", "0002")):
        (tmp_path / f"{number}.py").write_text(REVISION.format(number, before))
    assert newest_revision(tmp_path) == "0003"
    assert revisions(tmp_path) == {"0001", "0002", "0003"}
    (tmp_path / "fork.py").write_text(REVISION.format("0003b", "0002"))
    with pytest.raises(ValueError, match="2 newest revisions"):
        newest_revision(tmp_path)


async def test_a_migrated_database_is_usable(database: Database) -> None:
    await require_usable(database)


async def test_a_database_that_is_behind_is_refused(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaBehind, match=f"is at revision 0001, and this version needs {newest_revision()}"):
        await require_usable(database)


def test_an_empty_database_is_behind(database_url: str) -> None:
    migrate_down(database_url, "base")
    with psycopg.connect(database_url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        assert [row[0] for row in left] == ["alembic_version"]
        functions = connection.execute("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        assert functions.fetchone() == (0,)


async def test_a_database_without_any_revision_is_behind(database: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(SchemaBehind, match="has no tables yet"):
        await require_usable(database)


async def test_a_newer_database_is_used(database: Database, database_url: str) -> None:
    """While processes are replaced one by one, the older ones work on what the newer version has migrated."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await require_usable(database)


@pytest.mark.parametrize("level", ["off", "local"])
async def test_commits_that_a_crash_can_undo_are_refused(database: Database, database_url: str, level: str) -> None:
    name = sql.Identifier(database_url.rpartition("/")[2])
    with psycopg.connect(database_url) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(name, sql.Literal(level)))
    with pytest.raises(NotDurable, match="synchronous_commit"):
        await require_usable(database)
