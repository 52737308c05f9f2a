"""Services that stand still for a while, as if their machine had frozen."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from engine_app.embedded.background import BackgroundSupervisor


@contextmanager
def stopped(supervisor: BackgroundSupervisor, *names: str) -> Iterator[None]:
    """These services do nothing for the block."""
    pids = [supervisor.pid(name) for name in names]
    try:
        for pid in pids:
            assert pid is not None, names
            os.killpg(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            if pid is not None:
                os.killpg(pid, signal.SIGCONT)
