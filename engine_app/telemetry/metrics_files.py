"""The files in which the processes of one machine keep their metrics, and the port on which one of them tells all.

PROMETHEUS_MULTIPROC_DIR names the directory, before the first metric is made. Whichever process gets the port answers
for everybody; when it ends, another one takes the port over.
"""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from engine_app.telemetry.logging import get_logger

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
TAKE_OVER_SECONDS = 2.0

_PID = re.compile(r"_(\d+)\.db$")

log = get_logger(__name__)


def serve(host: str, port: int) -> None:
    """Tell the metrics at `/metrics` on this address from now on, or as soon as the process that does so has ended."""
    directory = os.environ.get(DIRECTORY)
    if directory is not None:
        forget_the_dead(Path(directory))
    threading.Thread(target=_serve, args=(host, port, directory), name="metrics", daemon=True).start()


def forget_the_dead(directory: Path) -> None:
    """Remove what ended processes left: all of it where none of them lives, else what only the living may say.

    While one lives the counts of the dead stay: they are part of sums that must not fall.
    """
    directory.mkdir(parents=True, exist_ok=True)
    pids = {int(found[1]) for file in directory.glob("*.db") if (found := _PID.search(file.name))}
    dead = {pid for pid in pids if not _lives(pid)}
    if pids - dead - {os.getpid()}:
        for pid in dead:
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]
        return
    for file in directory.glob("*.db"):
        if (found := _PID.search(file.name)) and int(found[1]) in dead:
            file.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serve(host: str, port: int, directory: str | None) -> None:
    waits = False
    while True:
        try:
            start_http_server(port, host, registry=REGISTRY if directory is None else _Living(directory))
        except OSError as error:
            if not waits:
                log.info("metrics.waits_for_the_port", port=port, reason=error.strerror)
            waits = True
            time.sleep(TAKE_OVER_SECONDS)
        else:
            log.info("metrics.served", host=host, port=port)
            return


class _Living(CollectorRegistry):
    """All processes' metrics; what a process that has ended said of the present is forgotten before each answer."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        self._directory = directory
        MultiProcessCollector(self, directory)  # type: ignore[no-untyped-call]

    def collect(self):  # type: ignore[no-untyped-def]
        forget_the_dead(Path(self._directory))
        yield from super().collect()
