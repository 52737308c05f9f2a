"""No order is lost and none is executed twice, wherever on its path the worker dies.

KILLS and KILLS_SEED make it longer and repeat it: see `make kills`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from engine_app.embedded import processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.chaos.kills.campaign import campaign
from tests.chaos.kills.plan import Plan
from tests.chaos.kills.steps import all_points, all_steps
from tests.conftest import ADDRESS_STOCK, MNEMONIC, plain_environment

SAMPLE = 60
SAMPLE_SECONDS = 240.0
SECONDS_A_KILL = 3.0
TAKEN_UP_SECONDS = 6.0


async def test_workers_killed_at_every_step(
    supervisor: BackgroundSupervisor,
    new_database: Callable[[], str],
    new_redis: Callable[[], str],
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("KILLS_SEED") or secrets.randbelow(10**6))
    kills = int(os.environ.get("KILLS") or SAMPLE)
    whole = kills > SAMPLE
    print(f"\nseed {seed}")
    chain = LocalChain(tmp_path / "chain", free_port(), free_port(), 50, admin_port=free_port())
    endpoints = Endpoints(new_database(), new_redis(), chain.rpc_url, chain.ws_url)
    base = plain_environment() | endpoints.environment() | {"DATA_DIR": str(tmp_path / "data")}
    base |= {"ADDRESS_STOCK": str(ADDRESS_STOCK), "LOG_LEVEL": "INFO"}

    def start(name: str) -> None:
        supervisor.start(processes.worker(base, MNEMONIC, name))

    async def start_workers() -> None:
        for number in (1, 2):
            await asyncio.to_thread(start, f"whole-{number}")

    await asyncio.to_thread(supervisor.start, chain.service(plain_environment(), "chain-of-kills"))
    await asyncio.to_thread(start, "stocker")
    await wait_for_addresses(endpoints.database_url, ADDRESS_STOCK)
    await asyncio.to_thread(supervisor.stop, "stocker")
    points = [(point,) for point in all_points()] if whole else all_steps()
    plan = Plan(points, kills, seed)
    report = await campaign(
        plan,
        chain=chain,
        environment=base | {"WALLET_MNEMONIC": MNEMONIC, "PROCESS_NAME": "killed"},
        log=tmp_path / "killed.log",
        seconds=max(SAMPLE_SECONDS, kills * SECONDS_A_KILL),
        start_workers=start_workers,
    )
    await asyncio.to_thread(supervisor.stop, "whole-1", "whole-2", "chain-of-kills")
    print("\n".join(report.lines()))
    assert report.audit.doubled == []
    assert report.audit.lost == []
    assert report.audit.differences == []
    assert plan.missed() == []
    assert plan.kills >= kills
