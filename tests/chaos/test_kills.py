"""No order is lost and none is executed twice, wherever on its path a worker dies.

Here each step is hit once or more. KILLS=1000 in the environment hits every point between two source lines;
KILLS_SEED repeats a run: `make kills`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.chaos.audit import is_final, read_books
from tests.chaos.kills.campaign import campaign
from tests.chaos.kills.ground import Ground
from tests.chaos.kills.plan import Plan
from tests.chaos.kills.report import waits
from tests.chaos.kills.steps import all_points, all_steps
from tests.chaos.kills.take_up import TakeUps
from tests.conftest import ADDRESS_STOCK, plain_environment
from tests.waiting import until

SAMPLE = 60
KILLS = int(os.environ.get("KILLS") or SAMPLE)
KILLING_SECONDS = max(400.0, KILLS * 3.0)
AFTERWARDS_SECONDS = 300.0
HELD = 100
TAKEN_UP_SECONDS = 6.0
SLACK_SECONDS = 9.0


@pytest.fixture
async def ground(
    supervisor: BackgroundSupervisor, new_database: Callable[[], str], new_redis: Callable[[], str], tmp_path: Path
) -> AsyncIterator[Ground]:
    """A chain of 50 ms slots and a stock of addresses; no worker runs."""
    chain = LocalChain(tmp_path / "chain", free_port(), free_port(), 50, admin_port=free_port())
    endpoints = Endpoints(new_database(), new_redis(), chain.rpc_url, chain.ws_url)
    environment = plain_environment() | endpoints.environment() | {"DATA_DIR": str(tmp_path / "data")}
    made = Ground(chain, environment | {"ADDRESS_STOCK": str(ADDRESS_STOCK)}, tmp_path, supervisor)
    await asyncio.to_thread(supervisor.start, chain.service(plain_environment(), "chain-of-kills"))
    await made.start_workers("stocker")
    await wait_for_addresses(endpoints.database_url, ADDRESS_STOCK)
    await made.stop("stocker")
    yield made
    await made.stop("chain-of-kills")


@pytest.mark.timeout(KILLING_SECONDS + AFTERWARDS_SECONDS)
async def test_workers_killed_at_every_step(ground: Ground) -> None:
    seed = int(os.environ.get("KILLS_SEED") or secrets.randbelow(10**6))
    print(f"\nseed {seed}")
    plan = Plan(all_steps() if KILLS <= SAMPLE else [(point,) for point in all_points()], KILLS, seed)
    report = await campaign(plan, ground, seconds=KILLING_SECONDS)
    print("\n".join(report.lines()))
    assert report.audit.doubled == []
    assert report.audit.lost == []
    assert report.audit.differences == []
    assert plan.missed() == []
    assert plan.kills >= KILLS


async def test_all_orders_of_a_killed_worker_move_again_within_seconds(
    ground: Ground, supervisor: BackgroundSupervisor
) -> None:
    async with ground.open(Random(0)) as (market, troubles, database, _):  # noqa: S311 - repeatable on purpose
        await market.open(troubles)
        await ground.start_workers("doomed")
        await troubles.add_to_chain("stalled_slots")
        placed = [await market.occasions[0].place() for _ in range(HELD)]

        async def all_are_submitted() -> bool:
            books = await read_books(database)
            return all(books.orders[order_id].status == "submitted" for order_id in placed)

        await until(all_are_submitted, seconds=60)
        await ground.start_workers("heir")
        pid = supervisor.pid("doomed")
        assert pid is not None
        take_ups = TakeUps(database)
        os.kill(pid, signal.SIGKILL)
        await take_ups.killed(pid)
        await ground.stop("doomed")
        watching = asyncio.create_task(take_ups.watch())
        await until(take_ups.are_over, seconds=60)
        watching.cancel()
        print(f"\norders of a killed worker moved again: {waits(take_ups.seconds)}")
        assert len(take_ups.seconds) == HELD
        assert max(take_ups.seconds) < TAKEN_UP_SECONDS + SLACK_SECONDS
        await troubles.clear()

        async def all_are_final() -> bool:
            return all(map(is_final, (await read_books(database)).orders.values()))

        await until(all_are_final, seconds=60)
        orders = (await read_books(database)).orders
        assert {orders[order_id].status for order_id in placed} == {"confirmed"}
        await ground.stop("heir")
