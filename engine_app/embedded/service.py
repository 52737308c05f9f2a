"""A program that the supervisor runs, and how it is started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")

Probe = Callable[[int], Coroutine[object, object, bool]]
"""Given the process id, whether the service answers, and is that process."""


async def no_probe(pid: int) -> bool:
    """Ready as soon as it runs."""
    return pid > 0


@dataclass(frozen=True)
class Service:
    """A program to keep running.

    Attributes:
        name: unique; the prefix of its log lines.
        argv: the program's absolute path and its arguments; no secrets, `ps` shows them.
        ready: asked every few milliseconds after the start, until it says yes.
        env: the program's whole environment.
        cwd: its working directory.
        user: `(uid, gid)` to change to, or None to stay.
        stdin: given to it at once, then closed; a place for secrets.
        signals_ready: the program writes a line to the file descriptor in READY_FD once it is ready.
        before: called before each start, in a thread.
        stop_signal: asks it to stop.
        ready_seconds: how long it may take to become ready; None where it may wait for others.
        stop_seconds: how long it may take to stop before SIGKILL.
        once: it ends by itself, with 0 where it did its work, and is not started again.
        quiet: its log goes to its file only, not to the terminal.
    """

    name: str
    argv: tuple[str, ...]
    ready: Probe = no_probe
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: tuple[int, int] | None = None
    stdin: bytes = b""
    signals_ready: bool = False
    before: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    ready_seconds: float | None = 60.0
    stop_seconds: float = 8.0
    once: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Started:
    """A started program.

    Attributes:
        process: its `wait` ends when the program itself does, whatever it leaves behind.
        output: what it and its children write to stdout and stderr.
        told_ready: ends when it has written to READY_FD; at once where it never will.
    """

    process: Process
    output: asyncio.StreamReader
    told_ready: asyncio.Future[None]


async def spawn(service: Service) -> Started:
    """Start the program in a session of its own, tied to this process's life."""
    loop = asyncio.get_running_loop()
    told_ready: asyncio.Future[None] = loop.create_future()
    environment = dict(os.environ if service.env is None else service.env)
    user = "-" if service.user is None else f"{service.user[0]}:{service.user[1]}"
    # Not asyncio's own pipes: with those, `wait` would wait for grandchildren that hold them open.
    output_read, output_write = os.pipe()
    ready_read, ready_write = os.pipe()
    if service.signals_ready:
        environment["READY_FD"] = str(ready_write)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LAUNCHER)),
            *(str(os.getpid()), str(int(service.stop_signal)), user),
            *service.argv,
            stdin=PIPE if service.stdin else DEVNULL,
            stdout=output_write,
            stderr=STDOUT,
            env=environment,
            cwd=service.cwd,
            pass_fds=(ready_write,) if service.signals_ready else (),
            start_new_session=True,
        )
    except BaseException:
        os.close(output_read)
        os.close(ready_read)
        raise
    finally:
        os.close(output_write)
        os.close(ready_write)
    output = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), os.fdopen(output_read, "rb"))
    if service.signals_ready:
        _when_readable(loop, ready_read, told_ready)
    else:
        os.close(ready_read)
        told_ready.set_result(None)
    if process.stdin is not None:
        process.stdin.write(service.stdin)
        process.stdin.close()
    return Started(process, output, told_ready)


def _when_readable(loop: asyncio.AbstractEventLoop, descriptor: int, told: asyncio.Future[None]) -> None:
    """Resolve the future when a byte arrives; a closed pipe says nothing, the program's end tells that."""

    def read() -> None:
        told_something = bool(os.read(descriptor, 64))
        loop.remove_reader(descriptor)
        os.close(descriptor)
        if told_something and not told.done():
            told.set_result(None)

    loop.add_reader(descriptor, read)
