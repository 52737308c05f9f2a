"""Workers killed one after the other while orders are traded and the chain has its troubles; then the audit."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx

from engine_app import queue
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.embedded.processes import LocalChain
from engine_app.markets.tokens import TokenList
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.service import Orders
from engine_app.settings import Settings
from engine_app.storage.postgres import Database
from engine_app.storage.redis import connect
from tests.chaos.audit import Audit, Books, audit, is_final, read_books
from tests.chaos.kills.lives import Lives, nursery
from tests.chaos.kills.occasions import Market, Occasion
from tests.chaos.kills.plan import Plan
from tests.chaos.kills.take_up import TakeUps
from tests.chaos.kills.troubles import Troubles
from tests.waiting import until

LANES = 2
"""Workers alive at a time."""

LIFE_SECONDS = 12.0
DRAIN_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it all.

    Attributes:
        plan: with its hits.
        occasions: kinds of orders.
        books: the database at the end.
        audit: the database against the chain.
        troubles: hits by kind of trouble.
        take_ups: seconds from a worker's death until another took up each order it held.
        seconds: from the first worker to the last death.
    """

    plan: Plan
    occasions: list[Occasion]
    books: Books
    audit: Audit
    troubles: Mapping[str, int]
    take_ups: list[float]
    seconds: float

    def lines(self) -> Iterator[str]:
        """For people."""
        yield "hits  point"
        for point, hits in sorted(self.plan.hits.items(), key=lambda hit: (hit[0].file, hit[0].line)):
            yield f"{hits:4}  {point}"
        for target in self.plan.missed():
            yield f"   0  {target[0]}"
        for occasion in self.occasions:
            ended = Counter(
                order.error_code or order.status for order in self.books.orders.values() if order.id in occasion.placed
            )
            yield f"{occasion.name}: " + ", ".join(f"{count} {how}" for how, count in ended.most_common())
        yield "troubles: " + ", ".join(f"{kind} {hits}" for kind, hits in sorted(self.troubles.items()))
        waits = sorted(self.take_ups)
        yield (
            f"orders of killed workers moved again: {len(waits)}, median {waits[len(waits) // 2]:.1f} s, "
            f"95 % within {waits[len(waits) * 95 // 100]:.1f} s, last {waits[-1]:.1f} s"
        )
        yield (
            f"{self.plan.kills} kills ({self.plan.strays} of them off the path) in {self.seconds:.0f} s, "
            f"{self.audit.orders} orders, {self.audit.landed} transactions landed, "
            f"{len(self.audit.doubled)} doubled, {len(self.audit.lost)} lost"
        )
        yield from self.audit.differences


async def campaign(
    plan: Plan,
    *,
    chain: LocalChain,
    environment: Mapping[str, str],
    log: Path,
    seconds: float,
    start_workers: Callable[[], Awaitable[None]],
) -> Report:
    """Kill workers by the plan until it is done or the time is up, then let whole workers finish everything.

    Args:
        plan: who dies where.
        chain: with an admin port.
        environment: of a worker.
        log: where the killed workers write to.
        seconds: how long workers are killed at most.
        start_workers: starts workers that nobody kills.
    """
    chance = Random(plan.seed)  # noqa: S311 - repeatable on purpose
    cluster = CLUSTERS["localnet"]
    tokens = TokenList(cluster)
    async with AsyncExitStack() as resources:
        database = Database(environment["DATABASE_URL"])
        resources.push_async_callback(database.close)
        redis = connect(environment["REDIS_URL"])
        resources.push_async_callback(redis.aclose)
        admin = await resources.enter_async_context(httpx.AsyncClient(base_url=str(chain.admin_url), timeout=30.0))
        troubles = Troubles(admin, chain.port, chance)
        rpc = Rpc([f"http://{chain.host}:{await troubles.sound_endpoint()}"], cluster, expected_genesis=None)
        resources.push_async_callback(rpc.close)
        await rpc.start()
        send = partial(queue.send_order, queue.broker(environment["REDIS_URL"]))
        orders = Orders(database, tokens, Settings(), ProgressPublisher(redis, tokens), send)
        market = Market(database, orders, rpc, tokens, chance)
        await market.open(troubles)
        take_ups = TakeUps(database)
        began = time.monotonic()
        async with nursery(environment, log) as lives:
            await _while_these_run(
                _kill(plan, lives, take_ups, seconds),
                market.keep_trading(),
                troubles.keep_coming(market.finished),
                take_ups.watch(),
            )
        took = time.monotonic() - began
        await asyncio.gather(*market.side_work)
        hits = await troubles.clear()
        await start_workers()
        books = await _finished(database, take_ups)
        found = await audit(
            books,
            await troubles.ledger(),
            rpc,
            [customer.address for customer in market.customers],
            market.payments,
        )
        return Report(plan, market.occasions, books, found, hits, take_ups.seconds, took)


async def _kill(plan: Plan, lives: Lives, take_ups: TakeUps, seconds: float) -> None:
    deadline = time.monotonic() + seconds

    async def lane() -> None:
        while not plan.is_done() and time.monotonic() < deadline:
            death = await lives.live(plan.aims(), linger_ms=plan.linger_ms(), seconds=LIFE_SECONDS)
            plan.note(death.at)
            await take_ups.killed(death.pid)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())


async def _while_these_run(work: Coroutine[Any, Any, None], *loops: Coroutine[Any, Any, None]) -> None:
    """Do the work; fails where one of the loops ends before it."""
    working = asyncio.create_task(work)
    running = [asyncio.create_task(loop) for loop in loops]
    try:
        await asyncio.wait({working, *running}, return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            if task.done():
                task.result()
        await working
    finally:
        for task in (working, *running):
            task.cancel()
        await asyncio.gather(working, *running, return_exceptions=True)


async def _finished(database: Database, take_ups: TakeUps) -> Books:
    """The books once every order is final, or as they are when that takes too long."""

    async def all_final() -> Books | None:
        await take_ups.look()
        books = await read_books(database)
        return books if all(map(is_final, books.orders.values())) else None

    try:
        return await until(all_final, seconds=DRAIN_SECONDS)
    except AssertionError:
        return await read_books(database)
