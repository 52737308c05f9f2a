"""One worker process's execution: put together, started, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Collection, Coroutine
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.clusters import CLUSTERS, websocket_url
from engine_app.chain.landing import Landing
from engine_app.chain.priority_fees import FeeLevel, PriorityFees
from engine_app.chain.rents import Rents
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE
from engine_app.execution.building import WALLET_SIZE
from engine_app.execution.engine import Engine
from engine_app.execution.finality import follow_to_finality
from engine_app.execution.run import run
from engine_app.execution.sweeper import Sweeper
from engine_app.execution.watcher import Watcher
from engine_app.markets.by_settings import lookup_tables_of, pools_of
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.registry import venues_for
from engine_app.orders import leases
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.readings import keep_reading
from engine_app.settings import SettingsError, WorkerSettings
from engine_app.storage import deployment, heartbeats, schema
from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.storage.redis import connect
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.derivation import fingerprint
from engine_app.wallets.signer import Signer
from engine_app.wallets.stock import AddressStock

log = get_logger(__name__)

CANCEL_SECONDS = 1.0
"""Between two tries to cancel what has not ended."""

DATABASE_PAUSE_SECONDS = 2.0
"""Between two tries to reach a database that does not answer at the start."""


class ExecutionProcess:
    """Everything that runs on a worker's event loop. Use it on one loop only: `start`, `execute`…, `stop`."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._resources = AsyncExitStack()
        self._loops: list[asyncio.Task[None]] = []
        self.engine: Engine

    async def start(self) -> None:
        """Connect, check that chain, database and mnemonic belong together, take up what a dead worker left.

        Waits for the database and for a node as long as it takes.

        Raises:
            SettingsError: a setting that workers need is missing.
            SchemaBehind, NotDurable: the database is not one to work on.
            WrongCluster, WrongDeployment: the chain or the mnemonic is not the database's.
        """
        settings = self._settings
        if settings.database_url is None or settings.redis_url is None or settings.wallet_mnemonic is None:
            raise SettingsError("a worker needs DATABASE_URL, REDIS_URL and WALLET_MNEMONIC; `up` provides them")
        mnemonic = settings.wallet_mnemonic.get_secret_value()
        cluster = CLUSTERS[settings.solana_cluster]
        tokens = TokenList(cluster)
        database = await self._database(settings.database_url, prepare=settings.prepared_statements)
        redis = connect(settings.redis_url.get_secret_value())
        self._resources.push_async_callback(redis.aclose)
        progress = ProgressPublisher(redis, tokens)

        rpc = Rpc(settings.solana_rpc_url, cluster, expected_genesis=lambda: deployment.remembered_genesis(database))
        self._resources.push_async_callback(rpc.close)
        await rpc.start()
        await deployment.remember_cluster(database, cluster=cluster.name, genesis_hash=rpc.genesis)
        await deployment.remember_mnemonic(database, fingerprint(mnemonic))

        sockets = [settings.solana_ws_url] if settings.solana_ws_url else map(websocket_url, settings.solana_rpc_url)
        stream = Stream(list(sockets), on_lost=rpc.distrust)
        self._resources.push_async_callback(stream.close)
        await stream.start()
        blockhashes = Blockhashes(rpc, stream)
        self._resources.push_async_callback(blockhashes.close)
        await blockhashes.start()
        landing = Landing(rpc, stream, blockhashes)
        self._resources.push_async_callback(landing.close)
        await landing.start()
        rents = Rents(rpc, (TOKEN_ACCOUNT_SIZE, WALLET_SIZE))
        self._resources.push_async_callback(rents.close)
        await rents.start()
        priority_fees = PriorityFees(
            rpc, level=FeeLevel[settings.priority_fee_level.upper()], least=settings.compute_unit_price
        )
        self._resources.push_async_callback(priority_fees.close)
        await priority_fees.start()
        lookup_tables = lookup_tables_of(settings, rpc)
        self._resources.push_async_callback(lookup_tables.close)
        await lookup_tables.start()
        pools = pools_of(settings, rpc, tokens, redis)
        self._resources.push_async_callback(pools.close)
        await pools.start()

        self.engine = engine = Engine(
            name=f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}",
            settings=settings,
            cluster=cluster,
            database=database,
            rpc=rpc,
            blockhashes=blockhashes,
            landing=landing,
            pools=pools,
            venues=venues_for(cluster),
            signer=Signer(mnemonic),
            progress=progress,
            rents=rents,
            priority_fees=priority_fees,
            lookup_tables=lookup_tables,
            hubs=tuple(tokens.hubs()),
        )
        engine.watcher = Watcher(engine)
        sweeper = Sweeper(engine)
        stock = AddressStock(database, mnemonic, size=settings.address_stock)
        self._loop("progress", progress.run())
        self._loop("watch", engine.watcher.watch())
        self._loop("tick", engine.watcher.tick())
        self._loop("prove", engine.watcher.prove())
        await sweeper.sweep_once()
        for name, work in (
            ("sweep", sweeper.sweep()),
            ("tidy", sweeper.tidy()),
            ("finality", follow_to_finality(engine)),
            ("stock", stock.run()),
            ("heartbeat", heartbeats.keep_beating(database, engine.name)),
            ("readings", keep_reading("worker", database, rpc)),
        ):
            self._loop(name, work)
        log.info("worker.ready", name=engine.name, cluster=cluster.name)

    async def execute(self, order_id: UUID) -> None:
        """Run one order as far as it goes."""
        await run(self.engine, order_id)

    async def stop(self) -> None:
        """End the loops, give every lease back so that others go on at once, close the connections."""
        await _end(self._loops)
        if hasattr(self, "engine"):
            await _end(self.engine.tasks)
            try:
                async with self.engine.database.transaction() as session:
                    await leases.release(session, self.engine.held)
                    await heartbeats.leave(session, self.engine.name)
            except DATABASE_AWAY as error:
                log.warning("worker.leases_left_to_run_out", error=str(error))
        await self._resources.aclose()

    async def _database(self, url: str, *, prepare: bool) -> Database:
        database = Database(url, prepare=prepare)
        self._resources.push_async_callback(database.close)
        while True:
            try:
                await schema.require_usable(database)
            except DATABASE_AWAY as error:
                reason = " ".join(str(getattr(error, "orig", error)).split())
                log.warning("worker.waits_for_the_database", reason=reason)
                await asyncio.sleep(DATABASE_PAUSE_SECONDS)
            else:
                return database

    def _loop(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_report_death)
        self._loops.append(task)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until all of them have ended: a library that catches a cancellation for its own timeout loses it."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_SECONDS)


def _report_death(loop: asyncio.Task[None]) -> None:
    """A loop that ends by itself leaves its process half dead: better that the supervisor starts a new one."""
    if not loop.cancelled():
        log.critical("worker.loop_died", loop=loop.get_name(), exc_info=loop.exception())
        os.kill(os.getpid(), signal.SIGTERM)
