import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest

from engine_app.settings import WorkerSettings

PROJECT = Path(__file__).resolve().parents[1]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `python -m engine_app …` with a DATA_DIR of its own and no settings but those given."""
    settings = {name.upper() for name in WorkerSettings.model_fields}
    plain = {name: value for name, value in os.environ.items() if name.upper() not in settings}

    def run(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine_app", *arguments],
            cwd=PROJECT,
            env=plain | {"ENV_FILE": "", "DATA_DIR": str(tmp_path)} | dict(env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def assert_one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    """It ended with exit code 2 and nothing but this line."""
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.parametrize("name", ["up", "web", "worker", "migrate", "reset", "build"])
def test_a_bad_setting_is_one_line(name: str, command: Command) -> None:
    assert_one_line(command(name, env={"PORT": "eighty"}), "PORT: Input should be a valid integer")


def test_production_refuses_to_start_on_embedded_secrets(command: Command, tmp_path: Path) -> None:
    production = {"ENGINE_ENV": "production"}
    assert_one_line(command("up", env=production), "set DATABASE_URL, REDIS_URL, JWT_SECRET, WALLET_MNEMONIC")
    assert_one_line(command("web", env=production), "set DATABASE_URL, REDIS_URL, JWT_SECRET")
    assert_one_line(command("worker", env=production), "set DATABASE_URL, REDIS_URL, WALLET_MNEMONIC")
    assert list(tmp_path.iterdir()) == []


def test_mainnet_is_deliberate(command: Command) -> None:
    mainnet = {"SOLANA_CLUSTER": "mainnet-beta", "SOLANA_RPC_URL": "https://rpc.example"}
    assert_one_line(command("up", env=mainnet), "needs ALLOW_MAINNET=true")
    assert_one_line(command("up", env=mainnet | {"ALLOW_MAINNET": "true"}), "refuses embedded secrets")


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_single_process_says_which_service_is_missing(name: str, command: Command) -> None:
    assert_one_line(command(name), "REDIS_URL is not set, and no valkey runs from DATA_DIR")


def test_a_taken_port_is_named(command: Command, postgres_server: object) -> None:
    port = str(getattr(postgres_server, "port", 0))
    assert_one_line(command("up", env={"PORT": port}), f"PORT {port} on 127.0.0.1 is taken")


def test_migrate_brings_a_database_to_the_newest_revision(command: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    assert command("migrate", env={"DATABASE_URL": database_url}).returncode == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    assert command("migrate", env={"DATABASE_URL": database_url}).returncode == 0


def test_a_database_that_does_not_answer_is_a_clear_line_without_its_password(command: Command) -> None:
    done = command("migrate", env={"DATABASE_URL": "postgresql://engine:hunter2@127.0.0.1:1/engine"})
    assert done.returncode == 1
    assert done.stderr.startswith("error: the database does not answer")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_reset_asks_and_leaves_the_secrets(command: Command, tmp_path: Path) -> None:
    for name in ("postgres", "valkey", "localnet", "secrets"):
        (tmp_path / name).mkdir()
    assert command("reset", stdin="n\n").returncode == 1
    assert (tmp_path / "postgres").exists()
    assert command("reset", stdin="y\n").returncode == 0
    assert not {"postgres", "valkey", "localnet"} & {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "secrets").exists()
    assert "nothing to remove" in command("reset", "--yes").stderr


def test_reset_leaves_another_database_alone_and_says_what_to_do(command: Command, database_url: str) -> None:
    done = command("reset", "--yes", env={"DATABASE_URL": database_url})
    assert "DROP SCHEMA public CASCADE" in done.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
