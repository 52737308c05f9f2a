"""The parent of the workers that get killed: has everything imported already and forks a worker in milliseconds.

`python -m tests.chaos.kills.nursery LOG`, with a worker's environment. A worker is `tasks.worker` as it is, with a
trap set. One JSON object a line:

    in   {"start": n, "aims": […], "linger": ms}   a worker that dies at the first of the aims, or so much later
    in   {"kill": n}
    out  {"life": n, "pid": …} · {"life": n, "reached": number of the aim} · {"life": n, "ended": true}
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import orjson
from sqlalchemy.orm import configure_mappers

from engine_app.storage.postgres import Database
from tasks import worker
from tests.chaos.kills.steps import Point
from tests.chaos.kills.trap import Aim, Trap

PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Life:
    """One worker."""

    number: int
    pid: int
    report: int
    linger: float
    dies_at: float | None = None


class Nursery:
    """Forks workers as it is told on stdin, and tells on stdout what becomes of them; ends with its stdin."""

    def __init__(self, log: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lives: dict[int, Life] = {}
        self._ears = selectors.DefaultSelector()
        self._rest = b""

    def run(self) -> None:
        """Work until stdin ends; then no worker is left."""
        self._ears.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in self._ears.select(self._until_next_death()):
                if key.fd != 0:
                    self._hear(self._lives[key.data])
                elif not self._obey():
                    for life in self._lives.values():
                        os.kill(life.pid, signal.SIGKILL)
                    return
            for life in self._lives.values():
                if life.dies_at is not None and life.dies_at <= time.monotonic():
                    os.kill(life.pid, signal.SIGKILL)
                    life.dies_at = None

    def _until_next_death(self) -> float | None:
        moments = [life.dies_at for life in self._lives.values() if life.dies_at is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _obey(self) -> bool:
        told = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + told).split(b"\n")
        for line in lines:
            order = orjson.loads(line)
            if "start" in order:
                self._start(order)
            elif (life := self._lives.get(order["kill"])) is not None:
                os.kill(life.pid, signal.SIGKILL)
        return bool(told)

    def _hear(self, life: Life) -> None:
        told = os.read(life.report, 64)
        if told:
            _tell(life=life.number, reached=int(told))
            life.dies_at = time.monotonic() + life.linger
            return
        self._ears.unregister(life.report)
        os.close(life.report)
        os.waitpid(life.pid, 0)
        del self._lives[life.number]
        _tell(life=life.number, ended=True)

    def _start(self, order: dict[str, Any]) -> None:
        aims = [Aim(Point(**aim["point"]), aim["skip"]) for aim in order["aims"]]
        report, told = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(report)
            self._live(Trap(aims, report=told, lingers=order["linger"] > 0), parent)
        os.close(told)
        self._lives[order["start"]] = Life(order["start"], pid, report, order["linger"] / 1000)
        self._ears.register(report, selectors.EVENT_READ, order["start"])
        _tell(life=order["start"], pid=pid)

    def _live(self, trap: Trap, parent: int) -> NoReturn:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        for life in self._lives.values():
            os.close(life.report)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(self._log, 1)
        os.dup2(self._log, 2)
        trap.set()
        os._exit(worker.main())


def import_the_rest() -> None:
    """What a worker imports only when it first connects to something."""
    Database(os.environ["DATABASE_URL"])
    configure_mappers()


def start_order(number: int, aims: list[Aim], linger_ms: int) -> bytes:
    """The line that starts a worker."""
    return orjson.dumps({"start": number, "aims": [asdict(aim) for aim in aims], "linger": linger_ms}) + b"\n"


def _tell(**news: object) -> None:
    os.write(1, orjson.dumps(news) + b"\n")


if __name__ == "__main__":
    import_the_rest()
    Nursery(sys.argv[1]).run()
