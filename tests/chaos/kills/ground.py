"""A chain, a database and a Valkey to kill workers on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from engine_app.accounts.service import Accounts
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.embedded import processes
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.processes import LocalChain
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders.address_book import AddressBook
from engine_app.orders.progress import ProgressFeed, ProgressPublisher
from engine_app.orders.service import Orders
from engine_app.orders.transfers import Withdrawals
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.storage.redis import connect
from engine_app.wallets.balances import Wallets
from tests.chaos.kills.occasions import Market
from tests.chaos.kills.troubles import Troubles
from tests.conftest import JWT_SECRET, MNEMONIC


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it happens.

    Attributes:
        chain: with an admin port.
        environment: of a worker, but for the mnemonic.
        directory: for logs.
    """

    chain: LocalChain
    environment: Mapping[str, str]
    directory: Path
    supervisor: BackgroundSupervisor

    async def start_workers(self, *names: str) -> None:
        """Start workers that nobody kills by a plan."""
        services = [processes.worker(dict(self.environment), MNEMONIC, name) for name in names]
        await asyncio.to_thread(self.supervisor.start, *services)

    async def stop(self, *names: str) -> None:
        """Stop services."""
        await asyncio.to_thread(self.supervisor.stop, *names)

    @asynccontextmanager
    async def open(self, chance: Random) -> AsyncIterator[tuple[Market, Troubles, Database, Rpc]]:
        """Who trades, what goes wrong, and a look at the database and at the chain past all that goes wrong."""
        cluster = CLUSTERS["localnet"]
        tokens = TokenList(cluster)
        async with AsyncExitStack() as resources:
            database = Database(self.environment["DATABASE_URL"])
            resources.push_async_callback(database.close)
            redis = connect(self.environment["REDIS_URL"])
            resources.push_async_callback(redis.aclose)
            admin = httpx.AsyncClient(base_url=str(self.chain.admin_url), timeout=30.0)
            troubles = Troubles(await resources.enter_async_context(admin), self.chain.port, chance)
            endpoint = f"http://{self.chain.host}:{await troubles.sound_endpoint()}"
            rpc = Rpc([endpoint], cluster, expected_genesis=None)
            resources.push_async_callback(rpc.close)
            await rpc.start()
            lookup = TokenLookup(tokens, rpc, allow_unlisted=True)
            progress = ProgressPublisher(redis, tokens)
            publishing = asyncio.create_task(progress.run())
            resources.callback(publishing.cancel)
            orders = Orders(database, lookup, Settings(), progress)
            accounts = Accounts(database, RateLimits(redis), Settings(), jwt_secrets=(JWT_SECRET,))
            resources.push_async_callback(accounts.close)
            book = AddressBook(database, tokens, accounts, Settings())
            wallets = Wallets(database, rpc, tokens, orders.reserved)
            withdrawals = Withdrawals(orders, book, wallets, lookup, accounts, Settings())
            market = Market(
                database, orders, withdrawals, ProgressFeed(redis), rpc, tokens, progress.ask_a_worker, chance
            )
            yield market, troubles, database, rpc
