from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.migrations import migrate, newest_revision
from engine_app.embedded.processes import PROJECT

REVISION = "revision = {!r}\ndown_revision = {!r}\n"


def test_the_newest_revision_is_alembics_head() -> None:
    head = ScriptDirectory.from_config(Config(str(PROJECT / "alembic.ini"))).get_current_head()
    assert newest_revision(PROJECT / "alembic" / "versions") == head


def test_the_newest_revision_is_the_one_that_no_other_follows(tmp_path: Path) -> None:
    for number, before in (("0002", "0001"), ("0001", None), ("0003", "0002")):
        (tmp_path / f"{number}.py").write_text(REVISION.format(number, before))
    assert newest_revision(tmp_path) == "0003"
    (tmp_path / "fork.py").write_text(REVISION.format("0003b", "0002"))
    with pytest.raises(ValueError, match="2 newest revisions"):
        newest_revision(tmp_path)


def test_a_database_of_a_newer_engine_is_refused(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartFailed, match="cannot be migrated"):
        migrate(url)


def test_sqlalchemys_spelling_of_the_url_does_too(new_database: Callable[[], str]) -> None:
    migrate(new_database().replace("postgresql://", "postgresql+psycopg://"))
