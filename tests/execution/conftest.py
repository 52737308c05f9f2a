"""A worker's execution on the test's own event loop, on a chain whose slots leave time to interfere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from solders.pubkey import Pubkey

from engine_app.accounts.models import User
from engine_app.accounts.service import Accounts
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.processes import LocalChain
from engine_app.execution.process import ExecutionProcess
from engine_app.execution.run import run
from engine_app.localnet.seed.lookup_table import LOOKUP_TABLE
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders import attempts, repository
from engine_app.orders.address_book import AddressBook
from engine_app.orders.models import Attempt, Order, OrderEvent
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.service import Orders, PlaceSwap, PlaceTransfer
from engine_app.orders.transfers import Withdrawals
from engine_app.settings import Settings, WorkerSettings
from engine_app.storage.postgres import Database
from engine_app.storage.rate_limits import RateLimits
from engine_app.storage.redis import connect
from engine_app.wallets import repository as wallets
from engine_app.wallets.balances import Wallets
from tests.chaos.chain_admin import ChainAdmin
from tests.conftest import JWT_SECRET, MNEMONIC
from tests.waiting import until
from tests.whale import Whale, whale

SLOT_MS = 400
GRANT = 100 * 10**9
UNSENT = ("pending", "routing", "building")


@dataclass(frozen=True)
class Customer:
    """A user and his address."""

    user_id: int
    address: Pubkey


class Desk:
    """Places orders and runs them in this very process."""

    def __init__(self, process: ExecutionProcess, orders: Orders, withdrawals: Withdrawals, chain: LocalChain) -> None:
        self.process = process
        self.orders = orders
        self.withdrawals = withdrawals
        self._chain = chain
        self.engine = process.engine
        self.database = process.engine.database

    async def customer(self, *, lamports: int = GRANT, tokens: dict[str, int] | None = None) -> Customer:
        """A new user whose address holds the lamports, and base units of tokens by symbol."""
        name = uuid4().hex
        async with self.database.transaction() as session:
            user = User(username=name, name_key=name, password_hash="not used here")
            session.add(user)
            await session.flush()
            wallet = await wallets.take(session, user.id)
            assert wallet is not None
        address = Pubkey.from_string(wallet.address)
        rpc = self.engine.rpc
        if lamports:
            await rpc.airdrop(address, lamports)
        for symbol, amount in (tokens or {}).items():
            await rpc.airdrop(address, amount, TokenList(self.engine.cluster).resolve(symbol).mint)

        async def arrived() -> bool:
            return await rpc.balance(address) == lamports and len(await rpc.token_accounts_by_owner(address)) == len(
                tokens or {}
            )

        await until(arrived)
        return Customer(user.id, address)

    async def place(self, customer: Customer, token_in: str, token_out: str, amount: str, **more: Any) -> UUID:
        """Place an order; nothing runs it yet."""
        return (await self.orders.place(customer.user_id, PlaceSwap(token_in, token_out, amount, **more))).order_id

    async def withdraw(self, customer: Customer, token: str, amount: str, to: Pubkey) -> UUID:
        """Place a withdrawal; nothing runs it yet."""
        wanted = PlaceTransfer(token, amount, str(to))
        return (await self.withdrawals.place(customer.user_id, wanted, ip="192.0.2.7")).order_id

    @asynccontextmanager
    async def no_slot(self) -> AsyncIterator[None]:
        """No slot comes within the block: what is sent in it lands in one, the first after it."""
        admin = ChainAdmin(str(self._chain.admin_url))
        fault = admin.add("stalled_slots")

        async def held() -> bool:
            return admin.hits_of(fault) > 0

        try:
            await until(held)
            yield
        finally:
            admin.remove(fault)
            admin.close()

    async def run(self, order_id: UUID) -> Order:
        """Run an order as far as it goes without waiting; where the sweeper is at it, it is the one that does."""
        await run(self.engine, order_id)

        async def gone_as_far() -> Order | None:
            order = await self.order(order_id)
            return None if order_id in self.engine.held and order.status in UNSENT else order

        return await until(gone_as_far)

    async def order(self, order_id: UUID) -> Order:
        """The order's row."""
        async with self.database.transaction() as session:
            order = await repository.order_by_id(session, order_id)
        assert order is not None
        return order

    async def reaches(self, order_id: UUID, *statuses: str, seconds: float = 60.0) -> Order:
        """The order's row once it has one of the statuses."""

        async def found() -> Order | None:
            order = await self.order(order_id)
            return order if order.status in statuses else None

        return await until(found, seconds=seconds)

    async def attempts(self, order_id: UUID) -> list[Attempt]:
        """The order's tries."""
        async with self.database.transaction() as session:
            return list(await attempts.attempts_of(session, order_id))

    async def events(self, order_id: UUID) -> list[OrderEvent]:
        """The order's events."""
        async with self.database.transaction() as session:
            return list(await repository.events_of(session, order_id))


@pytest.fixture(scope="module")
def chain(new_localnet: Callable[[int], LocalChain], supervisor: BackgroundSupervisor) -> Iterator[LocalChain]:
    """A fresh chain for the module, whose pools its tests may move."""
    chain = new_localnet(SLOT_MS)
    yield chain
    supervisor.stop(f"localnet-{chain.port}")


@pytest.fixture
def rpc_urls(chain: LocalChain) -> str:
    """The nodes that the worker asks, the first before the others."""
    return chain.rpc_url


@pytest.fixture
async def desk(  # noqa: PLR0917 - what it runs on
    chain: LocalChain, rpc_urls: str, database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A worker's execution with a stock of addresses; an order first runs when its test says so."""
    monkeypatch.setattr("engine_app.execution.sweeper.GRACE", timedelta(hours=1))
    monkeypatch.setenv("WALLET_MNEMONIC", MNEMONIC)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SOLANA_RPC_URL", rpc_urls)
    monkeypatch.setenv("SOLANA_WS_URL", chain.ws_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ADDRESS_STOCK", "20")
    monkeypatch.setenv("LOOKUP_TABLES", str(LOOKUP_TABLE))
    process = ExecutionProcess(WorkerSettings())
    await process.start()
    redis = connect(redis_url)
    tokens = TokenList(process.engine.cluster)
    database = Database(database_url)
    lookup = TokenLookup(tokens, process.engine.rpc, allow_unlisted=True)
    chosen = Settings()
    orders = Orders(database, lookup, chosen, ProgressPublisher(redis, tokens))
    held = Wallets(database, process.engine.rpc, tokens, orders.reserved)
    accounts = Accounts(database, RateLimits(redis), chosen, jwt_secrets=(JWT_SECRET,))
    book = AddressBook(database, tokens, accounts, chosen)

    async def stocked() -> bool:
        async with database.transaction() as session:
            return await wallets.stock_size(session) > 0

    await until(stocked)
    yield Desk(process, orders, Withdrawals(orders, book, held, lookup, accounts, chosen), chain)
    await accounts.close()
    await process.stop()
    await redis.aclose()
    await database.close()


@pytest.fixture
async def trader(chain: LocalChain) -> AsyncIterator[Whale]:
    """Somebody who can move any pool of the chain."""
    async with whale(chain.rpc_url) as made:
        yield made
