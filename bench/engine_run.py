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
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from engine_app.embedded.endpoints import postgres_url
from engine_app.embedded.ports import free_port
from engine_app.embedded.state import RunState

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 180.0
SLOT_MS = 400


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """Where an engine and its parts listen.

    Attributes:
        origin: page and API.
        data_dir: its folder; every process of it names that folder.
        database_url, rpc_url, ws_url, metrics_url: its parts.
    """

    origin: str
    data_dir: str
    database_url: str
    rpc_url: str
    ws_url: str
    metrics_url: str

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the measurement's own; each statement a transaction."""
        return psycopg.connect(self.database_url, autocommit=True)


@contextmanager
def engine(**settings: str) -> Iterator[RunningEngine]:
    """Start everything as a newcomer would, stop it at the end. Limits are out of the way; the rest is as it comes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        port, metrics_port = free_port(), free_port()
        chosen = {
            "DATA_DIR": data,
            "PORT": str(port),
            "METRICS_PORT": str(metrics_port),
            "SLOT_MS": str(SLOT_MS),
            "ENV_FILE": "",
            "AIRDROP_SOL": "1000",
            "AIRDROPS_PER_HOUR": "10000",
            "ACCOUNTS_PER_IP_HOUR": "10000",
            "REQUESTS_PER_IP": "1000000",
            "REQUESTS_PER_ACCOUNT": "1000000",
            "ORDERS_PER_ACCOUNT": "1000000",
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
            ports = RunState.read(Path(data)).ports
            yield RunningEngine(
                origin=origin,
                data_dir=data,
                database_url=postgres_url(Path(data), ports["postgres"]),
                rpc_url=settings.get("SOLANA_RPC_URL") or f"http://127.0.0.1:{ports['localnet']}",
                ws_url=settings.get("SOLANA_WS_URL") or f"ws://127.0.0.1:{ports['localnet_ws']}",
                metrics_url=f"http://127.0.0.1:{metrics_port}/metrics",
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


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
