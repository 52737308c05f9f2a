"""What runs on this machine for one DATA_DIR: `run/state.json`, and the lock that makes it the only one.

The next start ends whatever the file still names, after it has made sure that each process is the very one that
was started: process ids are used again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from engine_app.embedded.errors import CannotStart
from engine_app.embedded.ports import choose_port


@dataclass(frozen=True)
class RunningProcess:
    """A process that was started in a session of its own.

    Attributes:
        name: the service, `worker-1`.
        pid: its process id, which is its process group's too.
        started: seconds since the epoch.
        stop_signal: the signal that asks it to stop.
    """

    name: str
    pid: int
    started: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, name: str, pid: int, stop_signal: int = signal.SIGTERM) -> RunningProcess:
        """Describe a live process; raises psutil.NoSuchProcess."""
        return cls(name, pid, float(psutil.Process(pid).create_time()), int(stop_signal))

    def is_alive(self) -> bool:
        """Whether this very process runs: same id, same time of start, not a zombie."""
        try:
            return self._is_same() and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def left_something(self) -> bool:
        """Whether any process of its group runs, itself or what it started, now that it may be gone."""
        try:
            ours = self._is_same()
        except psutil.NoSuchProcess:
            ours = True  # while a group has members, its id is given to no other process
        return ours and bool(group_members(self.pid))

    def _is_same(self) -> bool:
        return abs(psutil.Process(self.pid).create_time() - self.started) < 2.0


def group_members(group: int) -> list[int]:
    """The processes of this process group, zombies apart."""
    members = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                members.append(pid)
    return members


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> None:
    """Send a signal to every process of a group; none left is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal_number)


def end_processes(processes: list[RunningProcess], *, grace_seconds: float = 8.0) -> list[RunningProcess]:
    """End what is left of these processes, the last started first, and wait until they are gone.

    Args:
        processes: in the order they were started.
        grace_seconds: how long they may take before SIGKILL.

    Returns:
        Those that were still there.
    """
    left = [process for process in processes if process.left_something()]
    for process in reversed(left):
        kill_group(process.pid, process.stop_signal)
    deadline = time.monotonic() + grace_seconds
    while any(process.left_something() for process in left) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in left:
        if process.left_something():
            kill_group(process.pid)
    while any(process.left_something() for process in left):
        time.sleep(0.02)
    return left


@dataclass
class RunState:
    """The content of `run/state.json`: who supervises, what runs, and the ports that services keep.

    Every change is written at once, so that a supervisor killed at any moment leaves the truth behind.
    """

    path: Path
    supervisor: RunningProcess | None = None
    processes: list[RunningProcess] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, data_dir: Path) -> RunState:
        """The state of this DATA_DIR; empty where nothing ever ran or the file was cut off."""
        state = cls(data_dir / "run" / "state.json")
        try:
            content = json.loads(state.path.read_text())
            supervisor = content["supervisor"]
            state.supervisor = RunningProcess(**supervisor) if supervisor else None
            state.processes = [RunningProcess(**process) for process in content["processes"]]
            state.ports = {str(name): int(port) for name, port in content["ports"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return cls(state.path)
        return state

    def write(self) -> None:
        """Replace the file in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "supervisor": asdict(self.supervisor) if self.supervisor else None,
            "processes": [asdict(process) for process in self.processes],
            "ports": self.ports,
        }
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=1) + "\n")
        draft.replace(self.path)

    def add(self, process: RunningProcess) -> None:
        """Note a process that was started."""
        self.processes.append(process)
        self.write()

    def remove(self, pid: int) -> None:
        """Forget a process that has ended."""
        self.processes = [process for process in self.processes if process.pid != pid]
        self.write()

    def running(self, name: str) -> RunningProcess | None:
        """The live process of this name, or None."""
        return next((one for one in self.processes if one.name == name and one.is_alive()), None)

    def stable_port(self, name: str, *preferred: int) -> int:
        """The port this service had last time if it is free, else a preferred, else any free one; remembered."""
        self.ports[name] = choose_port(self.ports.get(name), *preferred)
        self.write()
        return self.ports[name]


@contextlib.contextmanager
def sole_owner(data_dir: Path) -> Iterator[RunState]:
    """Hold DATA_DIR's lock and give its state, after what a killed owner left behind was ended.

    Raises:
        CannotStart: another live process holds the lock.
    """
    run = data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    with (run / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = RunState.read(data_dir).supervisor
            by = f" (process {owner.pid})" if owner else ""
            raise CannotStart(f"the engine already runs from DATA_DIR {data_dir}{by}; stop it first") from None
        state = RunState.read(data_dir)
        end_processes(state.processes)
        state.processes = []
        state.supervisor = RunningProcess.of("up", os.getpid())
        state.write()
        try:
            yield state
        finally:
            state.supervisor = None
            state.write()
