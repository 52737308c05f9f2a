"""Orders of every kind, so that every branch of the path is taken: some go well, others go wrong, each in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID, uuid4

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction
from sqlalchemy import func, select
from sqlmodel import col

from engine_app.accounts.models import User
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.errors import RpcRefused
from engine_app.chain.rpc import Rpc
from engine_app.markets.tokens import TokenList
from engine_app.orders.models import Order
from engine_app.orders.progress import ProgressFeed
from engine_app.orders.service import Orders, PlaceSwap, PlaceTransfer
from engine_app.orders.transfers import Withdrawals
from engine_app.storage.postgres import Database
from engine_app.wallets import repository as wallets
from engine_app.wallets.derivation import keypair_at, seed_of
from tests.chaos.kills.troubles import Troubles
from tests.chaos.pools import shares
from tests.conftest import MNEMONIC
from tests.waiting import until

SOL = 10**9
PLENTY = 3_000 * SOL
TRADERS = 6
PAIRS = (("SOL", "USDC"), ("USDC", "SOL"), ("SOL", "BONK"), ("USDT", "USDC"), ("USDC", "BONK"), ("SOL", "USDT"))
AMOUNTS = {"SOL": ("0.05", "0.31", "1.2"), "USDC": ("5", "17.25"), "USDT": ("3.5", "40")}
FUNDS = {"USDC": 10**11, "USDT": 10**11, "BONK": 10**14}
"""Base units of tokens for customers who have any."""
PROGRAM = CLUSTERS["localnet"].raydium_cpmm
SHORT_OF_RENT = {"InsufficientFundsForRent": {"account_index": 0}}
DRAINED = 3 * SOL
DRAIN_WITHIN_SECONDS = 0.06
ARRIVAL_SECONDS = 0.3
LOOK_SECONDS = 0.1
ASKED_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Customer:
    """A user, his address, and what tests may sign with."""

    user_id: int
    address: Pubkey
    keypair: Keypair


@dataclass(slots=True)
class Occasion:
    """A kind of order.

    Attributes:
        name: what becomes of such an order where nobody is killed.
        place: places one.
        in_flight: how many of them to keep in flight.
        placed: those that were placed.
        open: those of them that are not known to be final.
    """

    name: str
    place: Callable[[], Awaitable[UUID]]
    in_flight: int
    placed: set[UUID] = field(default_factory=set)
    open: set[UUID] = field(default_factory=set)


class Market:
    """Everybody who places orders."""

    def __init__(  # noqa: PLR0917 - what it deals with
        self,
        database: Database,
        orders: Orders,
        withdrawals: Withdrawals,
        feed: ProgressFeed,
        rpc: Rpc,
        tokens: TokenList,
        ask_a_worker: Callable[[UUID], None],
        chance: Random,
    ) -> None:
        self._database = database
        self._orders = orders
        self._withdrawals = withdrawals
        self._feed = feed
        self._rpc = rpc
        self._tokens = tokens
        self._ask_a_worker = ask_a_worker
        self._chance = chance
        self._undecided: Customer
        self._seed = seed_of(MNEMONIC)
        self.customers: list[Customer] = []
        self.occasions: list[Occasion] = []
        self.payments: set[str] = set()
        """Signatures of what customers paid beside the engine."""

    async def open(self, troubles: Troubles) -> None:
        """Make the customers, give them their funds, and have some of them meet with trouble only they have."""
        traders = [await self._customer() for _ in range(TRADERS)]
        poor, drained, giver, unsimulated, short, dropped, erring, hidden, undecided = [
            await self._customer() for _ in range(9)
        ]
        rich = [*traders, giver, unsimulated, short, dropped, erring, hidden, undecided]
        for customer in rich:
            await self._rpc.airdrop(customer.address, PLENTY)
            for symbol, units in FUNDS.items():
                await self._rpc.airdrop(customer.address, units, self._tokens.resolve(symbol).mint)
        await until(lambda: self._are_funded(rich))
        await troubles.add("failed_simulation", signer=str(unsimulated.address))
        await troubles.add("failed_simulation", signer=str(short.address), error=SHORT_OF_RENT)
        await troubles.add("dropped_send", signer=str(dropped.address))
        await troubles.add_to_chain("failed_transaction", signer=str(erring.address))
        await troubles.add("hidden_status", signer=str(hidden.address), methods=["getTransaction"], probability=0.95)

        def order(customers: Sequence[Customer], token_in: str, token_out: str, amount: str, **more: Any) -> Any:
            return lambda: self._place(self._chance.choice(customers), token_in, token_out, amount, **more)

        def withdrawal(customers: Sequence[Customer], token: str, amount: str, to: Callable[[], Pubkey]) -> Any:
            return lambda: self._withdraw(self._chance.choice(customers), token, amount, to())

        def somebody() -> Pubkey:
            return self._chance.choice(traders).address

        def nobody() -> Pubkey:
            return Keypair().pubkey()

        self.occasions = [
            Occasion("confirmed", lambda: self._any_order(traders), 12),
            Occasion("split", order(traders, "SOL", "USDC", "4.5"), 3),
            Occasion("two hops", order(traders, "USDT", "BONK", "20"), 3),
            Occasion("two hops that leave some", order(traders, "BONK", "USDT", "300000"), 3),
            Occasion("confirmed late", order([hidden], "SOL", "USDC", "0.2"), 4),
            Occasion("landed with an error", order([erring], "SOL", "USDC", "0.2"), 10),
            Occasion("expired", order([dropped], "SOL", "USDC", "0.2"), 8),
            Occasion("refused by the simulation", order([unsimulated], "SOL", "USDC", "0.2"), 2),
            Occasion("short in the simulation", order([short], "SOL", "USDC", "0.2"), 1),
            Occasion("no pool", order(traders, "SOL", shares(), "0.1"), 1),
            Occasion("nothing paid", order(traders, "BONK", "SOL", "0.00001"), 1),
            Occasion("price moved", order(traders, "SOL", "USDC", "0.1", expected_quote="1000"), 2),
            Occasion("price impact", order(traders, "SOL", "USDC", "100000"), 1),
            Occasion("not enough", order([poor], "SOL", "USDC", "1"), 1),
            Occasion("cancelled", order([undecided], "SOL", "USDC", "0.1"), 4),
            Occasion("drained", lambda: self._drained(drained), 1),
            Occasion("SOL withdrawn", withdrawal([giver], "SOL", "0.03", somebody), 2),
            Occasion("SOL withdrawn to a new address", withdrawal(traders, "SOL", "0.002", nobody), 2),
            Occasion("tokens withdrawn", withdrawal([giver], "USDC", "2.5", somebody), 2),
            Occasion("tokens withdrawn to a new address", withdrawal(traders, "USDT", "0.5", nobody), 2),
            Occasion("withdrawal landed with an error", withdrawal([erring], "SOL", "0.01", somebody), 2),
            Occasion("withdrawal expired", withdrawal([dropped], "USDC", "1", somebody), 2),
            Occasion("withdrawal of too much", withdrawal([giver], "USDC", "100000000", somebody), 1),
            Occasion("withdrawal to a program", withdrawal(traders, "SOL", "0.01", lambda: PROGRAM), 1),
        ]
        self._undecided = undecided

    async def keep_trading(self) -> None:
        """Place orders so that enough of each kind are in flight, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for occasion in self.occasions:
                group.create_task(self._keep_placing(occasion))
            group.create_task(self._feed.run())
            group.create_task(self._cancel_in_time())
            group.create_task(self._ask_again())
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._look()

    def finished(self) -> int:
        """How many orders are known to be done."""
        return sum(len(occasion.placed) - len(occasion.open) for occasion in self.occasions)

    async def _keep_placing(self, occasion: Occasion) -> None:
        while True:
            while len(occasion.open) < occasion.in_flight:
                order_id = await occasion.place()
                occasion.placed.add(order_id)
                occasion.open.add(order_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        async with self._database.transaction() as session:
            found = await session.execute(
                select(col(Order.id))
                .where(col(Order.status).in_(("confirmed", "failed")))
                .order_by(col(Order.updated_at).desc())
                .limit(500)
            )
            final = set(found.scalars())
        for occasion in self.occasions:
            occasion.open -= final

    async def _customer(self) -> Customer:
        name = uuid4().hex
        async with self._database.transaction() as session:
            user = User(username=name, name_key=name, password_hash="not used here")
            session.add(user)
            await session.flush()
            wallet = await wallets.take(session, user.id)
            assert wallet is not None
        keypair = keypair_at(self._seed, wallet.derivation_index)
        assert str(keypair.pubkey()) == wallet.address
        made = Customer(user.id, keypair.pubkey(), keypair)
        self.customers.append(made)
        return made

    async def _are_funded(self, customers: Sequence[Customer]) -> bool:
        """Past what a fork could take back."""
        for customer in customers:
            if await self._rpc.balance(customer.address, "finalized") != PLENTY:
                return False
            if len(await self._rpc.token_accounts_by_owner(customer.address, "finalized")) != len(FUNDS):
                return False
        return True

    async def _place(self, customer: Customer, token_in: str, token_out: str, amount: str, **more: Any) -> UUID:
        return (await self._orders.place(customer.user_id, PlaceSwap(token_in, token_out, amount, **more))).order_id

    async def _withdraw(self, customer: Customer, token: str, amount: str, to: Pubkey) -> UUID:
        wanted = PlaceTransfer(token, amount, str(to))
        return (await self._withdrawals.place(customer.user_id, wanted, ip="192.0.2.9")).order_id

    async def _any_order(self, customers: Sequence[Customer]) -> UUID:
        token_in, token_out = self._chance.choice(PAIRS)
        amount = self._chance.choice(AMOUNTS[token_in])
        return await self._place(self._chance.choice(customers), token_in, token_out, amount)

    async def _cancel_in_time(self) -> None:
        """Cancel what is quoted and not yet signed, as somebody does who looks on; often it is too late."""
        async with self._feed.follow(self._undecided.user_id) as updates:
            async for update in updates:
                if update is not None and update.order["status"] in ("routing", "building"):
                    await self._orders.cancel(self._undecided.user_id, update.order_id)

    async def _ask_again(self) -> None:
        """Now and then a second message for an order that waits for its next try: a queue may deliver twice."""
        while True:
            await asyncio.sleep(ASKED_AGAIN_SECONDS)
            async with self._database.transaction() as session:
                waiting = select(col(Order.id)).where(
                    col(Order.status) == "routing", col(Order.not_before) > func.now()
                )
                order_id = (await session.execute(waiting.limit(1))).scalar()
            if order_id is not None:
                self._ask_a_worker(order_id)

    async def _drained(self, customer: Customer) -> UUID:
        """An order whose money is spent elsewhere while it is being made."""
        while (held := await self._rpc.balance(customer.address)) < DRAINED:
            await self._rpc.airdrop(customer.address, DRAINED)
            await asyncio.sleep(ARRIVAL_SECONDS)
        payment = _transfer(customer.keypair, held - SOL // 10, (await self._rpc.latest_blockhash()).hash)
        self.payments.add(str(payment.signatures[0]))
        with suppress(RpcRefused):  # a fork may have taken the funds back
            await self._rpc.send(bytes(payment))
        await asyncio.sleep(self._chance.uniform(0, DRAIN_WITHIN_SECONDS))
        return await self._place(customer, "SOL", "USDC", "1")


def _transfer(payer: Keypair, lamports: int, blockhash: Hash) -> Transaction:
    """Lamports to nobody's address."""
    instruction = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Keypair().pubkey(), lamports=lamports))
    return Transaction([payer], Message([instruction], payer.pubkey()), blockhash)
