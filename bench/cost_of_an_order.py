"""What an order costs beside what an idle engine does: commits, WAL, rows, calls to the node, CPU time.

    python -m bench.cost_of_an_order [ORDERS [ORDERS_A_SECOND]]

An idle stretch is measured first and taken off. Orders are placed and left alone: nobody looks at them meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from bench.counters import one, read
from bench.engine_run import RunningEngine, engine
from bench.traders import Trader, traders

SETTLE_SECONDS = 16.0
"""In which the last orders are finalized: 31 slots of 400 ms and a look every two seconds."""

FINALIZED = "SELECT count(*) FROM orders WHERE finalized_at IS NOT NULL"


async def place(trader: Trader, orders: int, pace: float) -> None:
    """Place orders at a steady pace."""
    began = time.monotonic()
    for number in range(orders):
        await asyncio.sleep(max(0.0, began + number / pace - time.monotonic()))
        await trader.place("SOL", "USDC", "0.01")


async def measure(running: RunningEngine, orders: int, pace: float, *, idle_seconds: float) -> dict[str, Any]:
    """What an order costs, and what an idle second does, by counter."""
    async with traders(running.origin, 1) as (trader,):
        await trader.place("SOL", "USDC", "0.01")
        await asyncio.sleep(SETTLE_SECONDS)
        idle_from = read(running)
        await asyncio.sleep(idle_seconds)
        began = read(running)
        idle = began.since(idle_from)
        with running.database() as database:
            before = one(database, FINALIZED)
            await place(trader, orders, pace)
            await asyncio.sleep(SETTLE_SECONDS)
            ended = read(running)
            final = one(database, FINALIZED) - before
    if final != orders:
        raise RuntimeError(f"{final:.0f} of {orders} orders were finalized in time")
    share = (ended.at - began.at) / (began.at - idle_from.at)
    used = ended.since(began)
    return {
        "orders": orders,
        "pace": pace,
        "an order": {name: round((total - idle[name] * share) / orders, 2) for name, total in used.items()},
        "an idle second": {name: round(idle[name] / (began.at - idle_from.at), 2) for name in used},
    }


def main() -> None:
    """Measure and print a table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    with engine() as running:
        found = asyncio.run(measure(running, orders, pace, idle_seconds=15.0))
    print(f"{orders} orders at {pace:g} a second, beside what an idle engine does")
    for name, cost in found["an order"].items():
        print(f"  {name:26} {cost:8.1f} an order   {found['an idle second'][name]:8.1f} a second idle")


if __name__ == "__main__":
    main()
