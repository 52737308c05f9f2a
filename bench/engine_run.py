"""A whole engine for a measurement: `up` in a folder of its own, on free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from engine_app.embedded.ports import free_port

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 180.0


@contextmanager
def engine(*, slot_ms: int = 400, **settings: str) -> Iterator[str]:
    """Start everything as a newcomer would, give the origin, stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        port = free_port()
        chosen = {
            "DATA_DIR": data,
            "PORT": str(port),
            "SLOT_MS": str(slot_ms),
            "ENV_FILE": "",
            "LOG_LEVEL": "WARNING",
            "AIRDROPS_PER_HOUR": "10000",
            "ACCOUNTS_PER_IP_HOUR": "10000",
        }
        with Path(data, "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine_app", "up"],
                cwd=PROJECT,
                env=os.environ | chosen | settings,
                stdout=log,
                stderr=log,
            )
        origin = f"http://localhost:{port}"
        try:
            _wait(origin, process)
            yield origin
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _wait(origin: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the engine ended with status {process.returncode} while it started")
        try:
            if httpx.get(f"{origin}/api/health", timeout=1.0).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the engine did not answer within {START_SECONDS:.0f} s")
