"""Workers killed one after the other while orders are traded and the chain has its troubles; then the audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from random import Random
from typing import Any

from engine_app.storage.postgres import Database
from tests.chaos.audit import Books, audit, is_final, read_books
from tests.chaos.kills.ground import Ground
from tests.chaos.kills.lives import Lives, nursery
from tests.chaos.kills.plan import Plan
from tests.chaos.kills.report import Report, news
from tests.chaos.kills.take_up import TakeUps
from tests.conftest import MNEMONIC
from tests.waiting import until

LANES = 2
"""Workers alive at a time."""

LIFE_SECONDS = 20.0
KILLS_BETWEEN_NEWS = 50
FINISH_SECONDS = 180.0
WHOLE = ("whole-1", "whole-2")


async def campaign(plan: Plan, ground: Ground, *, seconds: float) -> Report:
    """Kill workers by the plan until it is done or so many seconds are over; then let whole ones finish everything."""
    environment = {**ground.environment, "WALLET_MNEMONIC": MNEMONIC, "PROCESS_NAME": "killed"}
    async with ground.open(Random(plan.seed)) as (market, troubles, database, rpc):  # noqa: S311 - repeatable on purpose
        await market.open(troubles)
        take_ups = TakeUps(database)
        began = time.monotonic()
        async with nursery(environment, ground.directory / "killed.log") as lives:
            await _while_these_run(
                _kill(plan, lives, take_ups, seconds),
                market.keep_trading(),
                troubles.keep_coming(market.finished),
                take_ups.watch(),
            )
        took = time.monotonic() - began
        hits = await troubles.clear()
        await ground.start_workers(*WHOLE)
        books = await _finished(database, take_ups)
        await ground.stop(*WHOLE)
        wallets = [customer.address for customer in market.customers]
        found = await audit(books, await troubles.ledger(), rpc, wallets, market.payments)
        return Report(plan, market.occasions, books, found, hits, take_ups.seconds, took)


async def _kill(plan: Plan, lives: Lives, take_ups: TakeUps, seconds: float) -> None:
    began = time.monotonic()
    deadline = began + seconds

    async def lane() -> None:
        while not plan.is_done() and time.monotonic() < deadline:
            death = await lives.live(plan.aims(), linger_ms=plan.linger_ms(), seconds=LIFE_SECONDS)
            plan.note(death.at)
            if plan.kills % KILLS_BETWEEN_NEWS == 0:
                print("\n".join(news(plan, time.monotonic() - began)), flush=True)
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
        return await until(all_final, seconds=FINISH_SECONDS)
    except AssertionError:
        return await read_books(database)
