"""`up` from an empty DATA_DIR, as its user runs it: a process of its own, looked at from outside."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import PROJECT, LocalChain
from engine_app.embedded.service import LAUNCHER
from engine_app.embedded.state import RunState
from tests.conftest import PAGE_CACHE, plain_environment
from tests.waiting import wait_until

READY = re.compile(r"^Ready after [\d.]+ s\. Open (http://localhost:\d+)$", re.MULTILINE)

COMMAND = (sys.executable, "-m", "engine_app")
STARTED: list["Up"] = []


class Up:
    """One run of `up`, or of another command; its terminal is a file."""

    def __init__(self, data_dir: Path, command: str = "up", **settings: str) -> None:
        self.data_dir = data_dir
        self.terminal = data_dir.with_name(f"{data_dir.name}-{time.monotonic_ns()}.txt")
        with self.terminal.open("w") as terminal:
            self.process = psutil.Popen(
                # Ends with the tests, however those end.
                [sys.executable, str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), "-", *COMMAND, command],
                cwd=PROJECT,
                env=plain_environment() | {"DATA_DIR": str(data_dir), "PORT": str(free_port())} | settings,
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )
        STARTED.append(self)

    def said(self) -> str:
        return self.terminal.read_text()

    def wait_ready(self) -> str:
        """The address it shows in the end."""
        wait_until(lambda: READY.search(self.said()) or self.process.poll() is not None, seconds=120)
        found = READY.search(self.said())
        assert found is not None, self.said()
        return found[1]

    def running(self, name: str) -> int:
        """The process id of one of its services."""
        process = RunState.read(self.data_dir).running(name)
        assert process is not None
        return process.pid

    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def stop(self) -> float:
        """SIGTERM, as service supervisors and `kill` send it; the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        return time.monotonic() - began


def answer(url: str, body: object = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode())  # noqa: S310
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        return response.status, response.read()


def gone(processes: list[psutil.Process]) -> bool:
    return not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


@pytest.fixture(scope="module", autouse=True)
def _stop_all() -> Iterator[None]:
    yield
    for up in STARTED:
        if up.process.poll() is None:
            up.stop()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, page: Callable[[int], Path]) -> Path:
    """A fresh DATA_DIR that has the page built already."""
    directory = tmp_path_factory.mktemp("up") / "data"
    directory.mkdir()
    page(free_port())
    (directory / "frontend").symlink_to(PAGE_CACHE / "frontend")
    return directory


@pytest.fixture(scope="module")
def up(data_dir: Path) -> Up:
    return Up(data_dir, WORKERS="1", SLOT_MS="50")


def test_it_starts_all_and_shows_the_address(up: Up) -> None:
    origin = up.wait_ready()
    shown = [line.split()[1] for line in up.said().splitlines() if line.startswith("✓")]
    assert shown == ["Postgres", "Valkey", "Migrations", "Localnet", "Workers", "Page", "Web"]
    status, content = answer(f"{origin}/api/health")
    assert (status, json.loads(content)) == (200, {"status": "ok"})
    status, content = answer(origin)
    assert status == 200
    assert b"<html" in content.lower()


def test_only_workers_are_given_the_mnemonic(up: Up) -> None:
    up.wait_ready()
    phrase = (up.data_dir / "secrets" / "wallet_mnemonic").read_text().strip()
    assert phrase in environment(up.running("worker-1"))
    web = psutil.Process(up.running("web"))
    for process in [web, *web.children(recursive=True)]:
        assert "WALLET_MNEMONIC" not in environment(process.pid)
        assert phrase not in environment(process.pid)
        assert not [file for file in process.open_files() if "wallet_mnemonic" in file.path]
    assert "JWT_SECRET" not in environment(up.running("worker-1"))
    for name in ("postgres", "valkey", "localnet"):
        assert not re.search("MNEMONIC|JWT_SECRET|DATABASE_URL", environment(up.running(name)))


def test_what_dies_comes_back(up: Up) -> None:
    origin = up.wait_ready()
    for name in ("worker-1", "web"):
        before = up.running(name)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda name=name, before=before: _replaced(up, name, before))  # type: ignore[misc]
    wait_until(lambda: _answers(origin), seconds=60)
    assert "worker-1 ended (signal 9); starting it again" in up.said()


def test_web_and_worker_on_their_own_use_what_runs_already(up: Up) -> None:
    up.wait_ready()
    port = str(free_port())
    web = Up(up.data_dir, "web", PORT=port)
    wait_until(lambda: _answers(f"http://localhost:{port}"), seconds=60)
    worker = Up(up.data_dir, "worker")
    wait_until(lambda: "worker.ready" in worker.said(), seconds=60)
    for alone in (web, worker):
        family = alone.family()
        assert alone.stop() < 20
        assert gone(family)


def test_a_second_one_on_the_same_data_is_refused(up: Up) -> None:
    up.wait_ready()
    second = Up(up.data_dir)
    assert second.process.wait(60) == 2
    assert f"already runs from DATA_DIR {up.data_dir} (process {up.process.pid})" in second.said()


def test_data_survive_its_own_kill_and_a_stop_leaves_nothing(up: Up) -> None:
    origin = up.wait_ready()
    credentials = {"username": "kept", "password": "a good password"}
    assert answer(f"{origin}/api/auth", credentials)[0] == 201
    ports = RunState.read(up.data_dir).ports
    first_family = up.family()
    up.process.kill()
    up.process.wait(10)

    again = Up(up.data_dir, WORKERS="1", SLOT_MS="50")
    origin = again.wait_ready()
    assert gone(first_family)
    assert RunState.read(up.data_dir).ports == ports
    assert answer(f"{origin}/api/auth", credentials | {"mode": "login"})[0] == 200

    family = again.family()
    assert again.stop() < 20
    assert gone(family)
    state = RunState.read(up.data_dir)
    assert (state.supervisor, state.processes) == (None, [])


def test_another_chain_than_the_databases_stops_the_start_and_names_reset(up: Up) -> None:
    if up.process.poll() is None:
        up.wait_ready()
        up.stop()
    shutil.rmtree(up.data_dir / "localnet")
    other = Up(up.data_dir, WORKERS="1", SLOT_MS="50")
    assert other.process.wait(120) == 2
    last = other.said().splitlines()[-1]
    assert last.startswith("error: ")
    assert "python -m engine_app reset" in last
    assert "Traceback" not in other.said()
    assert RunState.read(up.data_dir).processes == []


def test_what_its_settings_name_is_not_started(
    data_dir: Path,
    tmp_path: Path,
    new_database: Callable[[], str],
    new_redis: Callable[[], str],
    localnet: LocalChain,
) -> None:
    (tmp_path / "frontend").symlink_to(data_dir / "frontend")
    up = Up(
        tmp_path,
        WORKERS="1",
        DATABASE_URL=new_database(),
        REDIS_URL=new_redis(),
        SOLANA_RPC_URL=localnet.rpc_url,
        SOLANA_WS_URL=localnet.ws_url,
    )
    assert answer(f"{up.wait_ready()}/api/health")[0] == 200
    assert [process.name for process in RunState.read(tmp_path).processes] == ["worker-1", "web"]
    family = up.family()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert gone(family)


def test_a_stop_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path)
    wait_until(lambda: "✓ Postgres" in up.said(), seconds=60)
    family = up.family()
    up.stop()
    assert gone(family)
    assert RunState.read(tmp_path).processes == []


def _replaced(up: Up, name: str, before: int) -> bool:
    process = RunState.read(up.data_dir).running(name)
    return process is not None and process.pid != before


def _answers(origin: str) -> bool:
    try:
        return answer(f"{origin}/api/health")[0] == 200
    except OSError:
        return False
