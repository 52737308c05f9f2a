import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.errors import CannotStart
from engine_app.embedded.ports import free_port
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.users import reachable, reachable_install
from tests.waiting import wait_until


@pytest.fixture
def services(tmp_path: Path) -> Iterator[BackgroundSupervisor]:
    services = BackgroundSupervisor(tmp_path / "run")
    yield services
    services.close()


def value(server: Postgres, query: str) -> object:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def accepts_connections(server: Postgres) -> bool:
    try:
        return value(server, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def test_rows_survive_a_restart_and_a_kill(services: BackgroundSupervisor, tmp_path: Path) -> None:
    server = Postgres(tmp_path / "data", free_port(), "secret")
    services.start(server.service())
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    services.stop("postgres")

    again = Postgres(tmp_path / "data", free_port(), "secret")
    services.start(again.service())
    assert value(again, "SELECT count(*) FROM kept") == 1000
    with psycopg.connect(again.url("postgres")) as connection:
        connection.execute("INSERT INTO kept VALUES (1001)")

    killed = services.pid("postgres")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: services.pid("postgres") not in (None, killed))
    wait_until(lambda: accepts_connections(again))
    assert value(again, "SELECT count(*) FROM kept") == 1001


def test_commits_are_durable_and_only_passwords_open_it(postgres_server: Postgres) -> None:
    assert value(postgres_server, "SHOW fsync") == "on"
    assert value(postgres_server, "SHOW synchronous_commit") == "on"
    assert value(postgres_server, "SHOW full_page_writes") == "on"
    assert value(postgres_server, "SHOW listen_addresses") == "127.0.0.1"
    assert value(postgres_server, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
    wrong = Postgres(postgres_server.data, postgres_server.port, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong.url("postgres"))


async def test_a_lost_password_is_one_clear_line(postgres_server: Postgres) -> None:
    wrong = Postgres(postgres_server.data, postgres_server.port, "wrong")
    with pytest.raises(CannotStart, match="refuses its password") as caught:
        await wrong.ensure_database()
    assert "\n" not in str(caught.value)


def test_it_does_not_run_as_root_and_keeps_its_data_to_itself(
    postgres_server: Postgres, supervisor: BackgroundSupervisor
) -> None:
    pid = int((postgres_server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert stat.S_IMODE(postgres_server.data.stat().st_mode) == 0o700
    assert pid == supervisor.pid("postgres")


def test_a_server_of_an_owner_that_is_gone_is_stopped_first(services: BackgroundSupervisor, tmp_path: Path) -> None:
    earlier = Postgres(tmp_path / "data", free_port(), "secret")
    services.start(earlier.service())
    pid = services.pid("postgres")

    Postgres(tmp_path / "data", free_port(), "secret").prepare()

    assert pid is not None
    assert not Path(f"/proc/{pid}").exists() or services.pid("postgres") != pid


def test_a_pid_file_that_names_another_program_is_removed(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "data", free_port(), "secret")
    server.prepare()
    pid_file = tmp_path / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n/somewhere\n")

    server.prepare()

    assert not pid_file.exists()


def test_a_half_made_data_directory_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / ".data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    Postgres(tmp_path / "data", free_port(), "secret").prepare()

    assert not half.exists()
    assert (tmp_path / "data/global/pg_control").exists()


def make_install(folder: Path) -> Path:
    install = folder / "pginstall"
    (install / "bin").mkdir(parents=True)
    program = install / "bin" / "postgres"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    return install


def test_binaries_below_a_private_folder_are_copied_to_where_all_can_reach_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine_app.embedded.users.CACHE", tmp_path / "cache")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    install = make_install(private)

    found = reachable_install(install, "1")

    assert found.parent == tmp_path / "cache"
    assert stat.S_IMODE((found / "bin/postgres").stat().st_mode) == 0o755
    assert stat.S_IMODE(found.stat().st_mode) == 0o755
    assert reachable_install(install, "1") == found


def test_binaries_that_all_can_reach_stay_where_they_are() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        install = make_install(Path(folder))
        assert reachable(install)
        assert reachable_install(install, "1") == install
