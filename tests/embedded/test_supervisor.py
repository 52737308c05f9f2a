import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.errors import CannotStart, StartFailed
from engine_app.embedded.service import Service
from engine_app.embedded.state import RunningProcess, RunState, sole_owner
from engine_app.embedded.supervisor import Supervisor
from tests.waiting import wait_until

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"

OWNER = """
import asyncio, sys
from pathlib import Path
from engine_app.embedded.service import Service
from engine_app.embedded.state import sole_owner
from engine_app.embedded.supervisor import Supervisor

async def run(state):
    supervisor = Supervisor(state, lambda service, line: None, print)
    for number, code in enumerate(sys.argv[2:]):
        await supervisor.start(Service(f"child-{number}", (sys.executable, "-c", code)))
    await asyncio.sleep(1)
    print("ready", flush=True)
    await asyncio.sleep(600)

with sole_owner(Path(sys.argv[1])) as state:
    asyncio.run(run(state))
"""


def program(code: str, name: str = "program", **more: object) -> Service:
    return Service(name, (sys.executable, "-c", code), **more)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def group_members(group: int) -> list[int]:
    found = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in found.stdout.splitlines()]
    return [int(pid) for pid, its_group, status in rows if int(its_group) == group and "Z" not in status]


def written(services: BackgroundSupervisor) -> list[str]:
    log = services.log("program")
    return log.read_text().split() if log.exists() else []


@pytest.fixture
def services(tmp_path: Path) -> Iterator[BackgroundSupervisor]:
    services = BackgroundSupervisor(tmp_path)
    yield services
    services.close()


def test_what_dies_is_started_again(services: BackgroundSupervisor, tmp_path: Path) -> None:
    services.start(program(SLEEP))
    first = services.pid("program")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: services.pid("program") not in (None, first))
    assert [process.pid for process in RunState.read(tmp_path).processes] == [services.pid("program")]


def test_what_dies_again_and_again_is_started_ever_later(services: BackgroundSupervisor) -> None:
    services.start(program("import time; print(time.time(), flush=True); time.sleep(0.3)"))
    wait_until(lambda: len(written(services)) >= 4)
    starts = [float(time) for time in written(services)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps[0] >= 0.5
    assert gaps[2] >= 1.2


def test_nothing_is_left_after_a_stop(services: BackgroundSupervisor, tmp_path: Path) -> None:
    services.start(program(PARENT, "a"), program(PARENT, "b"))
    groups = [services.pid("a"), services.pid("b")]
    wait_until(lambda: all(len(group_members(group)) == 2 for group in groups if group))
    services.stop("a", "b")
    assert [group_members(group) for group in groups if group] == [[], []]
    assert RunState.read(tmp_path).processes == []


def test_what_does_not_stop_is_killed(services: BackgroundSupervisor) -> None:
    services.start(program(STUBBORN, stop_seconds=0.5))
    wait_until(lambda: "up" in written(services))
    pid = services.pid("program")
    assert pid is not None
    services.stop("program")
    assert not alive(pid)


async def test_a_start_waits_until_each_is_ready_and_a_stop_goes_in_reverse(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(RunState.read(tmp_path), lambda service, line: lines.append(line), lines.append)
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('stop', sys.argv[1], flush=True)))\n"
        "time.sleep(0.2)\n"
        "print('ready', sys.argv[1], flush=True)\n"
        "os.write(int(os.environ['READY_FD']), b'ready')\n"
        "time.sleep(600)\n"
    )
    for name in ("one", "two", "three"):
        service = Service(name, (sys.executable, "-c", code, name), signals_ready=True)
        await supervisor.start(service)
    await supervisor.stop()
    assert lines == ["ready one", "ready two", "ready three", "stop three", "stop two", "stop one"]


async def test_every_line_of_a_program_that_writes_much_at_once_is_handed_on_in_order(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor(RunState.read(tmp_path), lambda service, line: lines.append(line), lines.append)
    writes = "for n in range(50_000): print(f'line {n}')"
    await supervisor.run(Service(name="talker", argv=(sys.executable, "-c", writes), once=True))
    assert lines == [f"line {n}" for n in range(50_000)]


async def test_a_start_that_fails_shows_the_last_lines(tmp_path: Path) -> None:
    supervisor = Supervisor(RunState.read(tmp_path), lambda service, line: None, lambda line: None)
    broken = program("import sys; print('the disk is full'); sys.exit(7)", signals_ready=True)
    with pytest.raises(StartFailed, match=r"program failed \(exit code 7\):\nthe disk is full"):
        await supervisor.start(broken)
    await supervisor.stop()


async def test_a_start_that_takes_too_long_fails(tmp_path: Path) -> None:
    supervisor = Supervisor(RunState.read(tmp_path), lambda service, line: None, lambda line: None)
    with pytest.raises(StartFailed, match=r"not ready after 0\.5 s"):
        await supervisor.start(program(SLEEP, signals_ready=True, ready_seconds=0.5))
    await supervisor.stop()


async def test_exit_code_2_ends_it_all_with_the_programs_own_line(tmp_path: Path) -> None:
    notices: list[str] = []
    supervisor = Supervisor(RunState.read(tmp_path), lambda service, line: None, notices.append)
    await supervisor.start(program("import sys, time; time.sleep(0.5); print('wrong chain'); sys.exit(2)"))
    with pytest.raises(CannotStart, match="program: wrong chain"):
        await supervisor.guard(asyncio.sleep(60))
    await supervisor.stop()
    assert notices == []


@pytest.mark.parametrize("code", [SLEEP, STUBBORN, PARENT], ids=["plain", "stubborn", "with a child"])
def test_the_next_owner_ends_what_a_killed_one_left(code: str, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), code, code], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    left = RunState.read(tmp_path).processes
    assert [process.name for process in left] == ["child-0", "child-1"]
    owner.kill()
    owner.wait()
    owner.stdout.close()

    with sole_owner(tmp_path):
        assert [group_members(process.pid) for process in left] == [[], []]
        assert RunState.read(tmp_path).processes == []


def test_ordinary_children_end_with_a_killed_owner_by_themselves(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), SLEEP], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    (child,) = RunState.read(tmp_path).processes
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not alive(child.pid))


def test_another_process_with_a_used_id_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True, stdout=subprocess.DEVNULL)
    yesterday = RunningProcess("x", bystander.pid, time.time() - 86400, signal.SIGKILL)
    RunState.read(tmp_path).add(yesterday)
    with sole_owner(tmp_path):
        assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_one_folder_has_one_owner(tmp_path: Path) -> None:
    with sole_owner(tmp_path), pytest.raises(CannotStart, match=rf"already runs .*process {os.getpid()}"):  # noqa: SIM117
        with sole_owner(tmp_path):
            pass
    with sole_owner(tmp_path) as state:
        assert state.supervisor is not None
