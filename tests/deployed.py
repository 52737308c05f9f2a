"""The engine as an operator deploys it: Postgres behind PgBouncer, two web processes on one port, traces collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine_app.embedded import processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.migrations import migrate
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.pooler import pgbouncer
from tests.telemetry_collector import Collector, collector

WEB, WORKER = "deployed-web", "deployed-worker"
WEB_PROCESSES = 2
STOCK = 50


@dataclass(frozen=True)
class Deployed:
    """Where it is.

    Attributes:
        base_url: the page's origin.
        database_url: its Postgres, past the pooler.
        collector: what its processes told of their spans.
        supervisor: runs `WEB` and `WORKER`.
    """

    base_url: str
    database_url: str
    collector: Collector
    supervisor: BackgroundSupervisor

    def web_processes(self) -> list[psutil.Process]:
        """The processes that share the port."""
        pid = self.supervisor.pid(WEB)
        assert pid is not None, "web is down"
        return [child for child in psutil.Process(pid).children() if _serves(child)]


def _serves(process: psutil.Process) -> bool:
    """Whether a process beside web's first is there to serve: it lives, and is not Python's own helper."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@contextmanager
def deploy(  # noqa: PLR0917 - what it runs on
    database_url: str,
    redis_url: str,
    chain: LocalChain,
    page: Callable[[int], Path],
    supervisor: BackgroundSupervisor,
    directory: Path,
    settings: dict[str, str],
) -> Iterator[Deployed]:
    """Start it on an empty database, migrated through the pooler.

    Args:
        database_url, redis_url, chain: what it runs on.
        page: gives the page's files for a port.
        supervisor: runs it.
        directory: for the pooler's files and as DATA_DIR.
        settings: of all its processes.
    """
    pooler, pooled_url = pgbouncer(directory / "pgbouncer", free_port(), database_url)
    supervisor.start(pooler)
    migrate(pooled_url)
    port = free_port()
    endpoints = Endpoints(pooled_url, redis_url, chain.rpc_url, chain.ws_url)
    with collector() as collecting:
        own = {
            "DATA_DIR": str(directory),
            "ADDRESS_STOCK": str(STOCK),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collecting.url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        base = settings | endpoints.environment() | own
        supervisor.start(processes.worker(base, settings["WALLET_MNEMONIC"], WORKER))
        supervisor.call(wait_for_addresses(pooled_url, STOCK))
        supervisor.start(processes.web(base, page(port), "127.0.0.1", port, WEB, count=WEB_PROCESSES))
        yield Deployed(f"http://localhost:{port}", database_url, collecting, supervisor)
        supervisor.stop(WEB, WORKER, pooler.name)
