"""The engine behind a pooler that gives each transaction another connection: no session keeps any state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from engine_app.embedded import processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.migrations import migrate, migrate_down
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.conftest import ENGINE_SETTINGS, JWT_SECRET, MNEMONIC, plain_environment
from tests.pooler import CONNECTIONS, pgbouncer
from tests.trading import bot

ORDERS = 24


@pytest.fixture
def pooled(database_url: str, supervisor: BackgroundSupervisor, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database behind PgBouncer."""
    migrate_down(database_url, "base")
    service, url = pgbouncer(tmp_path / "pgbouncer", free_port(), database_url)
    supervisor.start(service)
    yield url
    supervisor.stop(service.name)


def test_orders_are_executed_through_three_connections(  # noqa: PLR0917 - what the engine runs on
    pooled: str,
    database_url: str,
    new_redis: Callable[[], str],
    localnet: LocalChain,
    page: Callable[[int], Path],
    supervisor: BackgroundSupervisor,
    tmp_path: Path,
) -> None:
    migrate(pooled)
    port = free_port()
    endpoints = Endpoints(pooled, new_redis(), localnet.rpc_url, localnet.ws_url)
    settings = ENGINE_SETTINGS | {"DATA_DIR": str(tmp_path), "ADDRESS_STOCK": "10"}
    base = plain_environment() | settings | endpoints.environment()
    supervisor.start(processes.worker(base, MNEMONIC, "pooled-worker"))
    try:
        supervisor.call(wait_for_addresses(pooled, 10))
        base |= {"JWT_SECRET": JWT_SECRET, "HOST": "127.0.0.1", "PORT": str(port)}
        supervisor.start(processes.web(base, page(port), "127.0.0.1", port, "pooled-web"))
        with bot(f"http://localhost:{port}") as trader, ThreadPoolExecutor(8) as together:
            placed = list(together.map(lambda _: trader.place(amount="0.1"), range(ORDERS)))
            done = list(together.map(trader.wait, placed))
        assert [order["status"] for order in done] == ["confirmed"] * ORDERS
        with psycopg.connect(database_url) as connection:
            landed = "SELECT count(*), count(DISTINCT tx_hash) FROM orders WHERE status = 'confirmed'"
            assert connection.execute(landed).fetchone() == (ORDERS, ORDERS)
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            used = connection.execute(others).fetchone()
            assert used is not None
            assert used[0] <= CONNECTIONS
    finally:
        supervisor.stop("pooled-web", "pooled-worker")
