"""`up`: everything the engine needs on this machine, each part started when the one before is ready."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

from engine_app.embedded import frontend, processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.endpoints import LOCAL_CHAIN_PORTS, Endpoints, base_environment
from engine_app.embedded.errors import StartFailed
from engine_app.embedded.migrations import migrate
from engine_app.embedded.ports import require_listenable
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from engine_app.embedded.secrets import (
    jwt_environment,
    refuse_embedded_for_all,
    service_password,
    wallet_mnemonic,
)
from engine_app.embedded.state import RunState, sole_owner
from engine_app.embedded.supervisor import Supervisor
from engine_app.embedded.terminal import Terminal
from engine_app.embedded.valkey import Valkey
from engine_app.settings import WorkerSettings


def up(settings: WorkerSettings) -> None:
    """Start everything and keep it running until SIGINT, SIGTERM or SIGHUP; then stop it and return.

    Raises:
        CannotStart: something must be changed first.
        StartFailed: a part did not start.
    """
    refuse_embedded_for_all(settings)
    data_dir = settings.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with sole_owner(data_dir) as state:
        terminal = Terminal(data_dir / "logs", bare_lines=settings.strict)
        try:
            asyncio.run(_Up(settings, data_dir, state, terminal).run())
        finally:
            terminal.close()


class _Up:
    def __init__(self, settings: WorkerSettings, data_dir: Path, state: RunState, terminal: Terminal) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._state = state
        self._terminal = terminal
        self._supervisor = Supervisor(state, terminal.service_line, lambda line: terminal.say(line, style="yellow"))

    async def run(self) -> None:
        """Start, keep, stop."""
        asked_to_stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, asked_to_stop.set)
        living = asyncio.create_task(self._live())
        stopping = asyncio.create_task(asked_to_stop.wait())
        try:
            await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                await living
            else:
                self._terminal.say("Stopping …")
        finally:
            stopping.cancel()
            living.cancel()
            await asyncio.wait({living})
            await self._supervisor.stop()
        self._terminal.say("Stopped.")

    async def _live(self) -> None:
        began = time.monotonic()
        port = self._web_port()
        page = asyncio.create_task(self._page(port))
        try:
            endpoints = await self._services()
            await self._engine(endpoints, port, page)
        finally:
            page.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await page
        self._say_ready(port, endpoints, time.monotonic() - began)
        await self._supervisor.guard(asyncio.Event().wait())

    async def _services(self) -> Endpoints:
        """Start what no setting names; migrate the database."""
        settings = self._settings
        database_url = settings.database_url or await self._postgres()
        if settings.database_url:
            self._terminal.skipped("Postgres", "DATABASE_URL is set")
        redis_url = settings.redis_url.get_secret_value() if settings.redis_url else await self._valkey()
        if settings.redis_url:
            self._terminal.skipped("Valkey", "REDIS_URL is set")
        with self._terminal.step("Migrations"):
            await asyncio.to_thread(migrate, database_url)
        if settings.solana_rpc_url:
            self._terminal.skipped("Localnet", "SOLANA_RPC_URL is set")
            return Endpoints(database_url, redis_url, ",".join(settings.solana_rpc_url), settings.solana_ws_url)
        chain = await self._localnet()
        return Endpoints(database_url, redis_url, chain.rpc_url, settings.solana_ws_url or chain.ws_url)

    async def _postgres(self) -> str:
        port = self._state.stable_port("postgres")
        postgres = Postgres(self._data_dir / "postgres", port, service_password(self._data_dir, "postgres"))
        with self._terminal.step("Postgres", f"127.0.0.1:{port}"):
            await self._supervisor.start(postgres.service())
            await postgres.ensure_database()
        return postgres.url()

    async def _valkey(self) -> str:
        port = self._state.stable_port("valkey")
        valkey = Valkey(self._data_dir / "valkey", port, service_password(self._data_dir, "valkey"))
        with self._terminal.step("Valkey", f"127.0.0.1:{port}"):
            await self._supervisor.start(valkey.service())
        return valkey.url

    async def _localnet(self) -> LocalChain:
        rpc_port, ws_port = LOCAL_CHAIN_PORTS
        chain = LocalChain(
            self._data_dir / "localnet",
            self._state.stable_port("localnet", rpc_port),
            self._state.stable_port("localnet_ws", ws_port),
            self._settings.slot_ms,
        )
        with self._terminal.step("Localnet", chain.rpc_url):
            await self._supervisor.start(chain.service(base_environment(self._data_dir)))
        return chain

    async def _engine(self, endpoints: Endpoints, port: int, page: asyncio.Task[Path]) -> None:
        """Start workers and web, and wait for the stock of addresses."""
        settings = self._settings
        base = base_environment(self._data_dir) | endpoints.environment()
        mnemonic = settings.wallet_mnemonic
        phrase = mnemonic.get_secret_value() if mnemonic else wallet_mnemonic(self._data_dir)
        workers = [processes.worker(base, phrase, f"worker-{n + 1}") for n in range(settings.workers)]
        with self._terminal.step("Workers", f"{settings.workers} × {settings.worker_concurrency} orders"):
            await self._supervisor.start(*workers)
            try:
                await self._supervisor.guard(wait_for_addresses(endpoints.database_url, settings.address_stock))
            except TimeoutError:
                raise StartFailed("the workers did not fill the stock of wallet addresses in 60 s") from None
        with self._terminal.step("Page"):
            directory = await self._supervisor.guard(asyncio.wait_for(page, None))
        base |= jwt_environment(settings, self._data_dir) | {"HOST": settings.host, "PORT": str(port)}
        several = f", {settings.web_processes} processes" if settings.web_processes > 1 else ""
        with self._terminal.step("Web", f"{settings.host}:{port}{several}"):
            web = processes.web(base, directory, settings.host, port, count=settings.web_processes)
            await self._supervisor.start(web)

    def _web_port(self) -> int:
        settings = self._settings
        if settings.port == 0:
            return self._state.stable_port("web")
        require_listenable(settings.host, settings.port)
        return settings.port

    async def _page(self, port: int) -> Path:
        """The directory of the page's files; a build runs in a process of its own, so that `stop` can end it."""
        if not frontend.is_built(self._data_dir):
            self._terminal.say("Building the page, once per version …")
            await self._supervisor.run(processes.page_build(base_environment(self._data_dir)))
        return await asyncio.to_thread(
            frontend.prepare, self._data_dir, port, self._settings.public_url, self._terminal.say
        )

    def _say_ready(self, port: int, endpoints: Endpoints, seconds: float) -> None:
        host = processes.local_name(self._settings.host)
        origin = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
        self._terminal.say(f"Ready after {seconds:.1f} s. Open {self._settings.public_url or origin}", "bold green")
        self._terminal.say(f"Chain: {self._settings.solana_cluster} at {_without_keys(endpoints.solana_rpc_url)}")
        self._terminal.say("Ctrl-C stops everything; the data stay.")


def _without_keys(rpc_urls: str) -> str:
    """The endpoints' hosts alone: paths and queries often carry an API key."""
    parts = [urlsplit(url) for url in rpc_urls.split(",")]
    return ", ".join(f"{part.scheme}://{part.netloc.rpartition('@')[2]}" for part in parts)
