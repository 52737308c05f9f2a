"""Runs a local chain and its endpoints."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web
from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.account_files import read_accounts
from engine_app.localnet.admin import Admin
from engine_app.localnet.chain import Chain
from engine_app.localnet.endpoint import Endpoint
from engine_app.localnet.programs_dir import load_programs
from engine_app.localnet.seed.cloned import taken_in
from engine_app.localnet.seed.genesis import seed_accounts
from engine_app.localnet.store import Store
from engine_app.localnet.view import View

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalnetOptions:
    """How to run a local chain.

    Attributes:
        port: JSON-RPC over HTTP (and websocket upgrade); 0 for any free port.
        ws_port: websocket; None for the port after `port`.
        slot_ms: length of a slot in milliseconds.
        data_dir: where the chain is kept; None keeps it in memory.
        programs_dir: compiled programs to run in the place of the stand-ins, or besides them.
        accounts_dir: account files that a fresh chain is born with, in the place of seeded ones or besides them.
        admin_port: faults and ledger for tests; None for off, 0 for any free port.
    """

    host: str = "127.0.0.1"
    port: int = 8899
    ws_port: int | None = None
    slot_ms: int = 400
    data_dir: Path | None = None
    programs_dir: Path | None = None
    accounts_dir: Path | None = None
    admin_port: int | None = None


class Localnet:
    """A chain with its endpoints; `async with` starts and stops it."""

    def __init__(self, options: LocalnetOptions) -> None:
        self._options = options
        self._ticking: asyncio.Task[None] | None = None
        self._admin: web.AppRunner | None = None
        self.chain = Chain(
            Store(options.data_dir),
            programs=load_programs(options.programs_dir),
            seed=partial(_seed, options.accounts_dir),
            slot_ms=options.slot_ms,
        )
        self.endpoint = self._endpoint(options.port, options.ws_port, lag_slots=0)
        self.endpoints = [self.endpoint]
        self.admin_port: int | None = None

    @property
    def url(self) -> str:
        """Where JSON-RPC is answered."""
        return f"http://{self._options.host}:{self.endpoint.port}"

    @property
    def ws_url(self) -> str:
        """Where subscriptions are taken."""
        return f"ws://{self._options.host}:{self.endpoint.ws_port}"

    @property
    def admin_url(self) -> str:
        """Where faults are set; only with an admin port."""
        return f"http://{self._options.host}:{self.admin_port}"

    async def __aenter__(self) -> "Localnet":
        # The newest stored block may be the one that was told as confirmed, which takes a block after it.
        await self.chain.tick()
        try:
            await self.endpoint.start()
            if self._options.admin_port is not None:
                await self._start_admin(self._options.admin_port)
        except OSError:
            await self.__aexit__()
            raise
        self._ticking = asyncio.create_task(self.chain.run(), name="localnet slots")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        if self._admin is not None:
            await self._admin.cleanup()
        for endpoint in self.endpoints:
            await endpoint.stop()
        await self.chain.close()

    def _endpoint(self, port: int, ws_port: int | None, lag_slots: int) -> Endpoint:
        view = View(self.chain, lag_slots)
        return Endpoint(view, host=self._options.host, port=port, ws_port=ws_port)

    async def add_endpoint(self, port: int = 0, ws_port: int | None = None, lag_slots: int = 0) -> Endpoint:
        """Serve the same chain on further ports, `lag_slots` behind its head.

        Raises:
            OSError: a port is taken.
        """
        endpoint = self._endpoint(port, ws_port, lag_slots)
        try:
            await endpoint.start()
        except OSError:
            await endpoint.stop()
            raise
        self.endpoints.append(endpoint)
        return endpoint

    async def _start_admin(self, port: int) -> None:
        admin = Admin(self.chain, self.endpoints, self.add_endpoint)
        self._admin = web.AppRunner(admin.application(), access_log=None)
        await self._admin.setup()
        await web.TCPSite(self._admin, self._options.host, port).start()
        self.admin_port = int(self._admin.addresses[0][1])

    async def wait(self) -> None:
        """Run until cancelled; raises what stopped the slot clock, should anything."""
        if self._ticking is not None:
            await asyncio.shield(self._ticking)


def _seed(accounts_dir: Path | None, mint_authority: Pubkey) -> dict[Pubkey, Account]:
    cloned = {} if accounts_dir is None else read_accounts(accounts_dir)
    return seed_accounts(mint_authority) | taken_in(cloned, mint_authority)


async def serve(options: LocalnetOptions, *, started: Callable[[], None] | None = None) -> None:
    """Run a local chain until cancelled; then what it holds is on disk.

    Args:
        started: called once the endpoints listen.

    Raises:
        OSError: a port is taken.
        ValueError: the stored chain or a program file is not usable.
    """
    async with Localnet(options) as localnet:
        head = localnet.chain.head
        logger.info(
            "localnet at %s and %s, genesis %s, slot %d",
            localnet.url,
            localnet.ws_url,
            localnet.chain.genesis_hash,
            head.slot,
        )
        if localnet.admin_port is not None:
            logger.info("faults at %s", localnet.admin_url)
        if started is not None:
            started()
        await localnet.wait()
