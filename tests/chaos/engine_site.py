"""A whole engine with services of its own, each of which can be stopped, killed, frozen and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from solders.pubkey import Pubkey

from engine_app.chain.answers import Commitment
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.embedded import processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.migrations import migrate
from engine_app.embedded.ports import free_port
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from engine_app.embedded.service import Service
from engine_app.embedded.valkey import Valkey
from engine_app.storage.postgres import Database
from tests.chaos.audit import Audit, Books, audit, is_final, read_books
from tests.chaos.chain_admin import ChainAdmin
from tests.conftest import ENGINE_SETTINGS, JWT_SECRET, MNEMONIC, plain_environment
from tests.ports import ports_in_a_row

POSTGRES, VALKEY, CHAIN, WEB, SECOND_WEB = "postgres", "valkey", "localnet", "web", "web-2"
WORKERS = ("worker-1", "worker-2")
SETTLE_SECONDS = 90.0
LOOK_SECONDS = 0.2
_STOCK = 200


class Site:
    """Postgres, Valkey, a local chain with two endpoints and an admin port, two workers, web. Trades until `close`.

    Attributes:
        base_url: of web.
        chain: the local chain; `second_port` is its other endpoint.
        admin: the chain's admin port.
        database_url, redis_url: of its own servers.
    """

    def __init__(self, directory: Path, page: Callable[[int], Path], *, slot_ms: int = 50) -> None:
        port, web_port = ports_in_a_row(5), free_port()
        self.chain = LocalChain(directory / "chain", port, port + 1, slot_ms, admin_port=port + 4)
        self.second_port = port + 2
        self.base_url = f"http://localhost:{web_port}"
        self.admin = ChainAdmin(str(self.chain.admin_url))
        self._supervisor = BackgroundSupervisor(directory / "logs")
        postgres = Postgres(directory / "postgres", free_port(), "tests")
        valkey = Valkey(directory / "valkey", free_port(), "tests")
        self.database_url, self.redis_url = postgres.url(), valkey.url
        # The websockets' addresses follow from the endpoints', so that there is one of each.
        endpoints = Endpoints(self.database_url, self.redis_url, ",".join(self.rpc_urls), None)
        base = plain_environment() | ENGINE_SETTINGS | endpoints.environment() | {"DATA_DIR": str(directory)}
        self._base = base | {"ADDRESS_STOCK": str(_STOCK)}
        self._page = page
        self._web = web = self._base | {"JWT_SECRET": JWT_SECRET, "HOST": "127.0.0.1", "PORT": str(web_port)}
        self._services: dict[str, Service] = {
            POSTGRES: postgres.service(POSTGRES),
            VALKEY: valkey.service(VALKEY),
            CHAIN: self.chain.service(plain_environment(), CHAIN),
            **{name: processes.worker(self._base, MNEMONIC, name) for name in WORKERS},
            WEB: processes.web(web, page(web_port), "127.0.0.1", web_port, WEB),
        }
        self._frozen: set[str] = set()
        self.start(POSTGRES, VALKEY, CHAIN)
        self._supervisor.call(postgres.ensure_database())
        migrate(self.database_url)
        self.start(*WORKERS)
        self._supervisor.call(wait_for_addresses(self.database_url, _STOCK))
        self.start(WEB)

    @property
    def rpc_urls(self) -> list[str]:
        """Both endpoints of the chain."""
        return [f"http://{self.chain.host}:{port}" for port in (self.chain.port, self.second_port)]

    def start(self, *names: str) -> None:
        """Start services together and return when all are ready."""
        self._supervisor.start(*(self._services[name] for name in names))
        if CHAIN in names:
            self.admin.open_endpoint(self.second_port)

    def start_worker(self, name: str, **settings: str) -> None:
        """Start a worker with settings of its own."""
        self._supervisor.start(processes.worker(self._base | settings, MNEMONIC, name))

    @contextmanager
    def second_web(self) -> Iterator[str]:
        """Another web server beside the first, for the block; its origin. It stops and starts as any other."""
        port = free_port()
        settings = self._web | {"PORT": str(port)}
        self._services[SECOND_WEB] = processes.web(settings, self._page(port), "127.0.0.1", port, SECOND_WEB)
        self.start(SECOND_WEB)
        try:
            yield f"http://localhost:{port}"
        finally:
            self.stop(SECOND_WEB)

    def stop(self, *names: str) -> None:
        """Ask services to end, and wait until they have."""
        self._supervisor.stop(*names)

    def kill(self, *names: str) -> None:
        """kill -9; nothing is started again by itself."""
        for name in names:
            os.kill(self._pid(name), signal.SIGKILL)
        self._supervisor.stop(*names)

    def freeze(self, name: str) -> None:
        """Stop a process in its tracks; it knows nothing of it."""
        os.kill(self._pid(name), signal.SIGSTOP)
        self._frozen.add(name)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        os.kill(self._pid(name), signal.SIGCONT)
        self._frozen.discard(name)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Services stopped for the block."""
        self.stop(*names)
        try:
            yield
        finally:
            self.start(*names)

    def heal(self) -> None:
        """End all faults, thaw what is frozen, start what is down."""
        for name in tuple(self._frozen):
            self.thaw(name)
        for name in (POSTGRES, VALKEY, CHAIN, *WORKERS, WEB):
            if self._supervisor.pid(name) is None:
                self.stop(name)
                self.start(name)
        self.admin.clear()

    def worker_called(self, name: str) -> str:
        """The worker that calls itself so in leases and events."""
        pid = int(name.split(":")[1])
        return next(worker for worker in WORKERS if self._supervisor.pid(worker) == pid)

    def slot(self) -> int:
        """The chain's newest slot."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "processed"}]}
        return int(httpx.post(self.chain.rpc_url, json=request).json()["result"])

    def log(self, name: str) -> str:
        """What a process has written."""
        return self._supervisor.log(name).read_text()

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of its database."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def close(self) -> None:
        """Stop everything."""
        for name in tuple(self._frozen):
            self.thaw(name)
        self._supervisor.close()
        self.admin.close()

    def settled(self, *, finalized: bool, seconds: float = SETTLE_SECONDS) -> Audit:
        """Wait until every order is done, then compare the books with the chain's ledger.

        Args:
            finalized: wait for finality too.
            seconds: how long that may take; what is open then is told as lost.
        """
        return asyncio.run(self._settled(finalized=finalized, seconds=seconds))

    async def _settled(self, *, finalized: bool, seconds: float) -> Audit:
        database, rpc = Database(self.database_url), Rpc(self.rpc_urls, CLUSTERS["localnet"])
        try:
            await rpc.start()
            books = await _done(database, finalized=finalized, seconds=seconds)
            commitment: Commitment = "finalized" if finalized else "confirmed"
            return await audit(books, self.admin.ledger(), rpc, self._wallets(), commitment=commitment)
        finally:
            await rpc.close()
            await database.close()

    def _wallets(self) -> Sequence[Pubkey]:
        rows = self.rows("SELECT address FROM wallets WHERE user_id IS NOT NULL")
        return [Pubkey.from_string(str(address)) for (address,) in rows]

    def _pid(self, name: str) -> int:
        pid = self._supervisor.pid(name)
        assert pid is not None, f"{name} is down"
        return pid


async def _done(database: Database, *, finalized: bool, seconds: float) -> Books:
    """The books once nothing is open, or as they are when that takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        books = await read_books(database)
        done = (is_final(order) or (order.status == "confirmed" and not finalized) for order in books.orders.values())
        if all(done) or loop.time() > deadline:
            return books
        await asyncio.sleep(LOOK_SECONDS)
