"""A supervisor on an event loop in a thread of its own, for programs that are not asyncio: tests, benches."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from engine_app.embedded.service import Service
from engine_app.embedded.state import RunState
from engine_app.embedded.supervisor import Supervisor

Result = TypeVar("Result")


class BackgroundSupervisor:
    """Starts services and keeps them running until `close`; they end with this process however it ends.

    It writes each service's lines to `<directory>/<name>.log`.
    """

    def __init__(self, directory: Path, notice: Callable[[str], None] = lambda line: None) -> None:
        """
        Args:
            directory: for the log files and the state file; made where it does not exist.
            notice: told in one line what is done about a service that ended.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="supervisor", daemon=True)
        self._thread.start()
        self.state = RunState.read(directory)
        self._supervisor = Supervisor(self.state, self._write, notice)

    def _write(self, service: Service, line: str) -> None:
        with self.log(service.name).open("a") as file:
            file.write(f"{line}\n")

    def call(self, work: Coroutine[object, object, Result]) -> Result:
        """Run a coroutine on the supervisor's loop and give its result; blocks."""
        return asyncio.run_coroutine_threadsafe(self._awaited(work), self._loop).result()

    @staticmethod
    async def _awaited(work: Coroutine[object, object, Result]) -> Result:
        return await work

    def log(self, name: str) -> Path:
        """The log file of a service."""
        return self._directory / f"{name}.log"

    def start(self, *services: Service) -> None:
        """Start these together and return when all are ready; raises as `Supervisor.start` does."""
        self.call(self._supervisor.start(*services))

    def stop(self, *names: str) -> None:
        """Stop these services, in this order."""
        for name in names:
            self.call(self._supervisor.stop_one(name))

    def pid(self, name: str) -> int | None:
        """The process id of a running service, or None while it is down."""
        return self._supervisor.pid(name)

    def close(self) -> None:
        """Stop everything, what was started last first."""
        self.call(self._supervisor.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
