"""Every way between two revisions, on a real Postgres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.migrations import migrate, migrate_down
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import PROJECT
from engine_app.storage.postgres import driver_url
from engine_app.storage.schema import newest_revision, revisions
from tests.conftest import plain_environment

REVISIONS = sorted(revisions())

CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, udt_name, is_nullable, column_default, character_maximum_length,
               numeric_precision, numeric_scale
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype::text, condeferrable, condeferred, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'""",
    "indexes": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}
FUNCTIONS = {
    "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "triggers": "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
}
SOME_ROWS = """
INSERT INTO users (id, username, name_key, password_hash) VALUES (1, 'ada', 'ada', '-');
INSERT INTO wallets (id, address, derivation_index, user_id, assigned_at) VALUES (1, 'a', 0, 1, now());
INSERT INTO wallets (id, address, derivation_index) VALUES (2, 'b', 1);
INSERT INTO orders (id, user_id, wallet_id, kind, token_in, token_out, decimals_in, decimals_out, amount_in, slippage,
                    max_price_impact, status, tries, expires_at, seq, fencing_token, rpc_calls, error_code)
SELECT gen_random_uuid(), 1, 1, 'swap', 'SOL', 'USDC', 9, 6, 1, 0.01, 0.05, status, 0, now(), 1, 0, '{}',
       CASE status WHEN 'failed' THEN 'EXPIRED' END
FROM unnest(ARRAY['pending', 'failed']) AS status;
INSERT INTO order_events (order_id, seq, status, name, data) SELECT id, 1, status, 'placed', '{}' FROM orders;
"""


@pytest.fixture
def empty_database(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a database without a table."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE from_nothing")
        yield postgres_server.url("from_nothing")
        server.execute("DROP DATABASE from_nothing WITH (FORCE)")


def catalogue(url: str, *, but: str = "alembic_version", functions: bool = True) -> dict[str, list[str]]:
    """Everything that the schema consists of, whatever the order it was made in."""
    asked = CATALOGUE | (FUNCTIONS if functions else {})
    with psycopg.connect(url) as connection:
        return {
            name: sorted(str(row) for row in connection.execute(sql.SQL(query)) if row[0] != but)
            for name, query in asked.items()
        }


def test_the_newest_revision_is_alembics_head() -> None:
    head = ScriptDirectory.from_config(Config(str(PROJECT / "alembic.ini"))).get_current_head()
    assert newest_revision() == head


def test_every_revision_leads_to_head_and_back_with_rows_in_the_tables(empty_database: str) -> None:
    """Up one revision at a time, down one at a time: each is met again as it was. Then up from there in one go."""
    migrate(empty_database, REVISIONS[0])
    with psycopg.connect(empty_database) as connection:
        connection.execute(SOME_ROWS)
    on_the_way = [catalogue(empty_database)]
    for revision in REVISIONS[1:]:
        migrate(empty_database, revision)
        on_the_way.append(catalogue(empty_database))
    for revision, before in zip(reversed(REVISIONS[:-1]), reversed(on_the_way[:-1]), strict=True):
        migrate_down(empty_database, revision)
        assert catalogue(empty_database) == before, revision
        migrate(empty_database)
        assert catalogue(empty_database) == on_the_way[-1], revision
        migrate_down(empty_database, revision)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM order_events").fetchone() == (2,)


def test_the_migrated_schema_is_the_models_down_to_each_check_and_index(database_url: str, empty_database: str) -> None:
    config = Config(str(PROJECT / "alembic.ini"))
    config.attributes["database_url"] = database_url
    command.check(config)  # loads every model, too
    engine = create_engine(driver_url(empty_database))
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    migrated, modelled = (catalogue(url, functions=False) for url in (database_url, empty_database))
    for part in CATALOGUE:
        assert migrated[part] == modelled[part]


def test_alembic_by_itself_knows_every_table(database_url: str) -> None:
    """What nothing else has loaded it would have the next migration drop."""
    argv = (sys.executable, "-m", "alembic", "check")
    environment = plain_environment() | {"DATABASE_URL": database_url}
    found = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "No new upgrade operations detected." in found.stdout, found


def test_several_starters_migrate_an_empty_database_once(empty_database: str, tmp_path: Path) -> None:
    environment = plain_environment() | {"DATABASE_URL": empty_database, "DATA_DIR": str(tmp_path)}
    argv = (sys.executable, "-m", "engine_app", "migrate")
    starters = [
        subprocess.Popen(argv, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [starter.communicate(timeout=60)[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0], said
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_revision(),)]


def test_a_database_of_a_newer_engine_is_refused(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartFailed, match="cannot be migrated"):
        migrate(url)


def test_sqlalchemys_spelling_of_the_url_does_too(new_database: Callable[[], str]) -> None:
    migrate(new_database().replace("postgresql://", "postgresql+psycopg://"))
