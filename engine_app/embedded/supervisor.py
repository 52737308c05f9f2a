"""Keeps programs running: starts them in order, restarts what dies, stops them in reverse.

One asyncio task keeps one service. Nothing outlives the supervisor: each program is tied to its life by the
kernel (see `launch`), and where that fails the next start ends what the state file names.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TypeVar

import psutil

from engine_app.embedded.errors import CANNOT_START, CannotStart, StartFailed
from engine_app.embedded.service import Service, Started, spawn
from engine_app.embedded.state import RunningProcess, RunState, kill_group

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A program that ran this long starts its back-off anew."""

PROBE_SECONDS = 0.02

Result = TypeVar("Result")

Output = Callable[[Service, str], None]
"""Told each line a service writes."""


class Keeper:
    """Keeps one service running until it is told to stop."""

    def __init__(self, service: Service, state: RunState, output: Output, notice: Callable[[str], None]) -> None:
        self.service = service
        self.became_ready = asyncio.Event()
        self.started: Started | None = None
        self._state = state
        self._output = output
        self._notice = notice
        self._stop_asked = asyncio.Event()
        self._tail: deque[str] = deque(maxlen=15)
        self._why = ""
        self.task = asyncio.create_task(self._keep(), name=f"keep {service.name}")

    async def _keep(self) -> None:
        """Run the service again and again; raises where it never became ready or says that it cannot start."""
        delay = FIRST_DELAY_SECONDS
        while True:
            began = time.monotonic()
            code = await self._run_once()
            if self._stop_asked.is_set() or (self.service.once and code == 0):
                return
            if code == CANNOT_START:
                raise CannotStart(f"{self.service.name}: {self._tail[-1] if self._tail else 'cannot start'}")
            ended = self._why or (f"exit code {code}" if code >= 0 else f"signal {-code}")
            if self.service.once or not self.became_ready.is_set():
                raise StartFailed("\n".join([f"{self.service.name} failed ({ended}):", *self._tail]))
            if time.monotonic() - began > STEADY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            self._notice(f"{self.service.name} ended ({ended}); starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    async def _run_once(self) -> int:
        """Start the program, watch it until it ends, and end what it left in its process group."""
        self._why = ""
        self._tail.clear()
        if self.service.before is not None:
            await asyncio.to_thread(self.service.before)
        self.started = await spawn(self.service)
        process = self.started.process
        with contextlib.suppress(psutil.NoSuchProcess):
            self._state.add(RunningProcess.of(self.service.name, process.pid, self.service.stop_signal))
        pump = asyncio.create_task(self._pump(self.started.output))
        probe = asyncio.create_task(self._wait_ready(self.started))
        try:
            code = await process.wait()
        finally:
            probe.cancel()
            kill_group(process.pid)
            self.started = None
            self._state.remove(process.pid)
        await pump
        return code

    async def _wait_ready(self, started: Started) -> None:
        try:
            async with asyncio.timeout(self.service.ready_seconds):
                await asyncio.shield(started.told_ready)
                while not await self.service.ready(started.process.pid):  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(PROBE_SECONDS)
            self.became_ready.set()
        except TimeoutError:
            self._why = f"not ready after {self.service.ready_seconds:g} s"
            kill_group(started.process.pid)

    async def _pump(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
        if rest:
            self._line(rest)

    def _line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        self._tail.append(text)
        self._output(self.service, text)

    async def stop(self) -> None:
        """Ask the program to stop, and kill its whole group where it does not within its time."""
        self._stop_asked.set()
        if self.started is None:
            self.task.cancel()
        else:
            process = self.started.process
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.service.stop_signal)
            done, _ = await asyncio.wait({self.task}, timeout=self.service.stop_seconds)
            if not done:
                self._notice(f"{self.service.name} did not stop; killing it")
                kill_group(process.pid)
        await asyncio.wait({self.task})
        if not self.task.cancelled():
            self.task.exception()  # retrieved: `start` or `watch` has told it already


class Supervisor:
    """Starts services in order and keeps them running."""

    def __init__(self, state: RunState, output: Output, notice: Callable[[str], None]) -> None:
        """
        Args:
            state: where each process is noted before anything waits for it.
            output: told each line that a service writes.
            notice: told in one line what the supervisor does about a service that ended.
        """
        self._state = state
        self._output = output
        self._notice = notice
        self._groups: list[list[Keeper]] = []

    async def start(self, *services: Service) -> None:
        """Start these together and return when all are ready.

        Raises:
            StartFailed: one ended, or took too long; the others keep running until `stop`.
            CannotStart: one says that something must be changed first.
        """
        group = [Keeper(service, self._state, self._output, self._notice) for service in services]
        self._groups.append(group)
        await self.guard(self._all_ready(group))

    async def run(self, service: Service) -> None:
        """Run a service that ends by itself, and return when it did; raises StartFailed where it fails."""
        keeper = Keeper(service, self._state, self._output, self._notice)
        self._groups.append([keeper])
        await asyncio.wait({keeper.task})
        self._raise_failure()

    async def guard(self, waiting: Coroutine[object, object, Result]) -> Result:
        """Wait for something while everything is kept running; raises what ended a service for good."""
        awaited = asyncio.create_task(waiting)
        try:
            while not awaited.done():
                await asyncio.wait({awaited, *self._tasks()}, return_when=asyncio.FIRST_COMPLETED)
                self._raise_failure()
            return await awaited
        finally:
            awaited.cancel()

    @staticmethod
    async def _all_ready(group: list[Keeper]) -> None:
        for keeper in group:
            await keeper.became_ready.wait()

    def pid(self, name: str) -> int | None:
        """The process id of a running service, or None while it is down."""
        started = next((keeper.started for keeper in self._keepers() if keeper.service.name == name), None)
        return started.process.pid if started is not None else None

    async def stop_one(self, name: str) -> None:
        """Stop one service and forget it, so that one of the same name may be started again."""
        for group in self._groups:
            for keeper in [keeper for keeper in group if keeper.service.name == name]:
                await keeper.stop()
                group.remove(keeper)

    async def stop(self) -> None:
        """Stop everything, what was started last first; those started together stop together."""
        while self._groups:
            await asyncio.gather(*(keeper.stop() for keeper in self._groups.pop()))

    def _keepers(self) -> list[Keeper]:
        return [keeper for group in self._groups for keeper in group]

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {keeper.task for keeper in self._keepers() if not keeper.task.done()}

    def _raise_failure(self) -> None:
        for keeper in self._keepers():
            task = keeper.task
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
