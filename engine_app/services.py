"""What a web process offers to the page and to the API: each room's service, put together once.

It can neither sign nor execute: those rooms are not imported, and the mnemonic is not in its environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from engine_app.accounts.endings import Endings
from engine_app.accounts.service import Accounts
from engine_app.accounts.upkeep import Upkeep
from engine_app.chain.clusters import CLUSTERS, Cluster, websocket_url
from engine_app.chain.priority_fees import priority_fee
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.errors import EngineError
from engine_app.markets.by_settings import lookup_tables_of, pools_of
from engine_app.markets.quotes import Quotes
from engine_app.markets.routing import LEG_UNITS
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders.address_book import AddressBook
from engine_app.orders.costs import CostsOfSwaps
from engine_app.orders.progress import ProgressFeed, ProgressPublisher
from engine_app.orders.readings import keep_reading
from engine_app.orders.service import Orders
from engine_app.orders.transfers import Withdrawals
from engine_app.readiness import Readiness
from engine_app.settings import Settings, SettingsError, settings
from engine_app.storage import deployment, schema
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.storage.redis import connect
from engine_app.storage.request_counters import RequestCounters
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.balances import Wallets
from engine_app.wallets.deposits import Deposits
from engine_app.wallets.faucet import Faucet
from engine_app.wallets.feed import WalletFeed

COUNTER_SECONDS = 0.1
"""How long counting a request may take before it passes uncounted."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebServices:
    """One of each service per web process."""

    settings: Settings
    cluster: Cluster
    database: Database
    rpc: Rpc
    tokens: TokenList
    token_lookup: TokenLookup
    accounts: Accounts
    upkeep: Upkeep
    endings: Endings
    orders: Orders
    wallets: Wallets
    withdrawals: Withdrawals
    address_book: AddressBook
    quotes: Quotes
    costs: CostsOfSwaps
    faucet: Faucet
    feed: ProgressFeed
    deposits: Deposits
    wallet_feed: WalletFeed
    counters: RequestCounters
    readiness: Readiness


_running: WebServices | None = None


def services() -> WebServices:
    """The services of this process. Raises RuntimeError outside `running`."""
    if _running is None:
        raise RuntimeError("the web process's services have not been started")
    return _running


@asynccontextmanager
async def running() -> AsyncIterator[WebServices]:
    """Start the services for the life of the web process.

    Raises:
        SettingsError: a setting that the web process needs is missing.
        WrongCluster, WrongDeployment: the chain is not the database's.
    """
    global _running  # noqa: PLW0603 - Reflex's handlers are called by name and can be handed nothing
    async with AsyncExitStack() as resources:
        _running = await _start(settings(), resources)
        try:
            yield _running
        finally:
            _running = None


async def _start(chosen: Settings, resources: AsyncExitStack) -> WebServices:
    if chosen.database_url is None or chosen.redis_url is None or chosen.jwt_secret is None:
        raise SettingsError("web needs DATABASE_URL, REDIS_URL and JWT_SECRET; `up` provides them")
    cluster = CLUSTERS[chosen.solana_cluster]
    tokens = TokenList(cluster)
    redis_url = chosen.redis_url.get_secret_value()
    database = Database(chosen.database_url, prepare=chosen.prepared_statements)
    resources.push_async_callback(database.close)
    redis = connect(redis_url)
    resources.push_async_callback(redis.aclose)
    rpc = Rpc(chosen.solana_rpc_url, cluster, expected_genesis=partial(deployment.remembered_genesis, database))
    resources.push_async_callback(rpc.close)
    sockets = [chosen.solana_ws_url] if chosen.solana_ws_url else map(websocket_url, chosen.solana_rpc_url)
    stream = Stream(list(sockets), on_lost=rpc.distrust)
    resources.push_async_callback(stream.close)
    pools, tables = pools_of(chosen, rpc, tokens, redis), lookup_tables_of(chosen, rpc)
    costs = CostsOfSwaps(rpc, chosen)
    for known in (pools, tables, costs):
        resources.push_async_callback(known.close)
    publisher = ProgressPublisher(redis, tokens)
    listener = connect(redis_url, listens=True)
    resources.push_async_callback(listener.aclose)
    feed = ProgressFeed(listener)
    limits = RateLimits(redis)
    hasty = connect(redis_url, patience=COUNTER_SECONDS)
    resources.push_async_callback(hasty.aclose)
    counters = RequestCounters(hasty)
    resources.push_async_callback(counters.close)
    accounts = Accounts(database, limits, chosen, jwt_secrets=chosen.jwt_secrets)
    resources.push_async_callback(accounts.close)
    endings = Endings(database, listener)
    lookup = TokenLookup(tokens, rpc, allow_unlisted=chosen.allow_unlisted_tokens or cluster.name != "mainnet-beta")
    resources.push_async_callback(lookup.close)
    orders = Orders(database, lookup, chosen, publisher)
    wallets = Wallets(database, rpc, tokens, orders.reserved)
    deposits = Deposits(rpc, wallets, tokens, orders.own_transactions)
    # What cannot be traded here can still be sent away.
    holdings = TokenLookup(tokens, rpc, allow_unlisted=True)
    resources.push_async_callback(holdings.close)
    address_book = AddressBook(database, tokens, accounts, chosen)

    async def connect_to_chain() -> None:
        """The page and the API serve before a node answers; calls that need one say that none does."""
        await rpc.start()
        await stream.start()
        await pools.start()
        await tables.start()
        await costs.start()
        await lookup.check_list()

    for name, work in (
        ("schema", schema.require_usable_once_it_answers(database)),
        ("progress", publisher.run()),
        ("feed", feed.run()),
        ("endings", endings.run()),
        ("chain", connect_to_chain()),
        ("readings", keep_reading("web", database, rpc)),
    ):
        task = asyncio.create_task(work, name=name)
        resources.callback(task.cancel)
        task.add_done_callback(_report_end)
    log.info("web.ready", cluster=cluster.name)
    return WebServices(
        settings=chosen,
        cluster=cluster,
        database=database,
        rpc=rpc,
        tokens=tokens,
        token_lookup=lookup,
        accounts=accounts,
        upkeep=Upkeep(database, accounts, redis),
        endings=endings,
        orders=orders,
        wallets=wallets,
        withdrawals=Withdrawals(orders, address_book, wallets, holdings, accounts, chosen),
        address_book=address_book,
        quotes=Quotes(
            pools,
            lookup,
            tables,
            leg_lamports=priority_fee(LEG_UNITS, chosen.compute_unit_price),
            max_price_impact=chosen.default_max_price_impact,
        ),
        costs=costs,
        faucet=Faucet(rpc, tokens, wallets, limits, chosen),
        feed=feed,
        deposits=deposits,
        wallet_feed=WalletFeed(rpc, stream, wallets, deposits, tokens),
        counters=counters,
        readiness=Readiness(database, redis, rpc),
    )


def _report_end(task: asyncio.Task[None]) -> None:
    """A web process on another chain, or without one of its loops, must not go on serving."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, EngineError):
        log.critical("web.cannot_start", reason=error.detail)
    else:
        log.critical("web.background_task_died", task=task.get_name(), exc_info=error)
    os.kill(os.getpid(), signal.SIGTERM)
