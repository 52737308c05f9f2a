import itertools
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from tests.conftest import MNEMONIC, plain_environment

PROJECT = Path(__file__).resolve().parents[1]

AWAY = "postgresql://engine:hunter2@127.0.0.1:1/engine"
"""A database that does not answer."""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No settings but a DATA_DIR of the test's own."""
    return plain_environment() | {"DATA_DIR": str(tmp_path)}


@pytest.fixture
def command(environment: dict[str, str]) -> Command:
    """Runs `python -m engine_app …` with a DATA_DIR of its own and no settings but those given."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine_app", *arguments],
            cwd=PROJECT,
            env=environment | dict(env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def assert_one_line(done: subprocess.CompletedProcess[str], says: str, exit_code: int = 2) -> None:
    """It ended with this exit code and nothing but this line."""
    assert done.returncode == exit_code, done.stderr
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


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_process_refuses_a_database_that_was_not_migrated(
    name: str, command: Command, database_url: str, localnet: LocalChain, redis_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    services = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SOLANA_RPC_URL": localnet.rpc_url}
    done = command(name, env=services)
    assert done.returncode == 2
    assert "the database is at revision 0001" in done.stderr.splitlines()[-1]
    assert "run `python -m engine_app migrate`" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_a_clear_line_without_its_password(command: Command) -> None:
    done = command("migrate", env={"DATABASE_URL": AWAY})
    assert done.returncode == 1
    assert done.stderr.startswith("error: the database does not answer")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("outcome", "00000000-0000-0000-0000-000000000000", "--note", "n", "--operator", "o"), ("reconcile",)],
    ids=["outcome", "reconcile"],
)
def test_an_operators_command_says_in_one_line_that_the_database_is_away(
    arguments: tuple[str, ...], command: Command, localnet: LocalChain
) -> None:
    services = {"DATABASE_URL": AWAY, "REDIS_URL": "redis://127.0.0.1:1/0", "SOLANA_RPC_URL": localnet.rpc_url}
    done = command(*arguments, env=services)
    assert_one_line(done, "the database does not answer: connection failed", exit_code=1)
    assert "hunter2" not in done.stderr


def test_a_worker_waits_for_its_database(
    environment: dict[str, str], database_url: str, postgres_server: Postgres, redis_url: str, localnet: LocalChain
) -> None:
    environment |= {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SOLANA_RPC_URL": localnet.rpc_url,
        "SOLANA_WS_URL": localnet.ws_url,
        "WALLET_MNEMONIC": MNEMONIC,
    }
    name = sql.Identifier(database_url.rpartition("/")[2])
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        with subprocess.Popen(
            [sys.executable, "-m", "engine_app", "worker"],
            cwd=PROJECT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as worker:
            assert worker.stderr is not None
            try:
                line = worker.stderr.readline()
                assert "worker.waits_for_the_database" in line
                assert "not currently accepting connections" in line
                server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
                said = list(itertools.takewhile(lambda line: "worker.ready" not in line, worker.stderr))
                assert worker.poll() is None, said
                assert not any("Traceback" in line for line in said)
                worker.terminate()
                assert worker.wait(30) == 0
            finally:
                worker.kill()


def test_a_taken_port_of_the_local_chain_is_one_line(command: Command, localnet: LocalChain, tmp_path: Path) -> None:
    done = command("localnet", "--port", str(localnet.port), "--data-dir", str(tmp_path))
    assert_one_line(done, "address already in use", exit_code=1)


@pytest.mark.parametrize("name", ["up", "web"])
def test_a_host_that_is_no_address_is_not_a_taken_port(name: str, command: Command) -> None:
    for host in ("nonsense.invalid", "192.0.2.1"):
        done = command(name, env={"HOST": host})
        assert_one_line(done, f"HOST {host} is no address of this machine: ")


@pytest.mark.parametrize("name", ["up", "build"])
def test_a_data_dir_that_cannot_be_made_is_one_line(name: str, command: Command) -> None:
    done = command(name, env={"DATA_DIR": "/proc/x/y"})
    assert_one_line(done, "/proc/x: no such file or directory; set DATA_DIR to a folder of your own")


def test_a_port_that_is_none_is_one_line(command: Command) -> None:
    assert_one_line(command("web", env={"PUBLIC_URL": "http://x:notaport"}), "PUBLIC_URL: its port must be a number")


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
