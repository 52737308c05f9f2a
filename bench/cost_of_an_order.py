"""What an order costs beside what an idle engine does: commits, WAL, rows, calls to the node, CPU time.

    python -m bench.cost_of_an_order [ORDERS [ORDERS_A_SECOND]]

An idle stretch is measured first and taken off. Orders are placed and left alone: nobody looks at them meanwhile. They
come at a steady pace before anything is measured, so that as many become final in each part as are placed in it; of the
parts, each of ORDERS / 3, the median is told, the least and the most.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from bench.counters import Reading, one, read
from bench.engine_run import RunningEngine, engine
from bench.figures import rounded
from bench.traders import Trader, traders

SETTLE_SECONDS = 16.0
"""In which the last orders are finalized: 31 slots of 400 ms and a look every two seconds."""

PARTS = 3
BUNCH_SECONDS = 4.0
"""So many seconds' orders more or fewer than were placed in a part may become final in it: they do so in bunches."""

PLACED = "SELECT count(*) FROM orders"
FINALIZED = "SELECT count(*) FROM orders WHERE finalized_at IS NOT NULL"


async def place(trader: Trader, pace: float) -> None:
    """Place orders at a steady pace, until cancelled."""
    began, number = time.monotonic(), 0
    while True:
        await asyncio.sleep(max(0.0, began + number / pace - time.monotonic()))
        await trader.place("SOL", "USDC", "0.01")
        number += 1


async def measure(running: RunningEngine, orders: int, pace: float, *, idle_seconds: float) -> dict[str, Any]:
    """What an order costs, and what an idle second does, by counter."""
    of_a_part = orders // PARTS
    async with traders(running.origin, 1) as (trader,):
        await trader.place("SOL", "USDC", "0.01")
        await asyncio.sleep(SETTLE_SECONDS)
        idle_from = await asyncio.to_thread(read, running)
        await asyncio.sleep(idle_seconds)
        idle_to = await asyncio.to_thread(read, running)
        idle = {name: total / (idle_to.at - idle_from.at) for name, total in idle_to.since(idle_from).items()}
        placing = asyncio.create_task(place(trader, pace))
        await asyncio.sleep(SETTLE_SECONDS)
        readings = [await asyncio.to_thread(_read, running)]
        for _ in range(PARTS):
            await asyncio.sleep(of_a_part / pace)
            readings.append(await asyncio.to_thread(_read, running))
        if placing.done():
            placing.result()
        placing.cancel()
        with suppress(asyncio.CancelledError):
            await placing
    parts = []
    for before, after in pairwise(readings):
        used = after.counters.since(before.counters)
        placed, final = after.placed - before.placed, after.final - before.final
        if abs(final - placed) > pace * BUNCH_SECONDS:
            raise RuntimeError(f"{placed:.0f} orders were placed while {final:.0f} became final")
        seconds = after.counters.at - before.counters.at
        parts.append({name: rounded((total - idle[name] * seconds) / placed) for name, total in used.items()})
    return {
        "orders": of_a_part * PARTS,
        "pace": pace,
        "an order": {name: rounded(median(part[name] for part in parts)) for name in idle},
        "parts": parts,
        "an idle second": {name: rounded(total) for name, total in idle.items()},
    }


@dataclass(frozen=True, slots=True)
class _Moment:
    counters: Reading
    placed: float
    final: float


def _read(running: RunningEngine) -> _Moment:
    with running.database() as database:
        return _Moment(read(running), one(database, PLACED), one(database, FINALIZED))


def cpu(price: dict[str, float]) -> float:
    """Milliseconds of processor time of all kinds of processes together."""
    return rounded(sum(value for name, value in price.items() if name.startswith("CPU of ")))


def main() -> None:
    """Measure and print a table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    with engine() as running:
        found = asyncio.run(measure(running, orders, pace, idle_seconds=15.0))
    print(f"{found['orders']} orders at {pace:g} a second in {PARTS} parts, beside what an idle engine does")
    for name, cost in found["an order"].items():
        of_parts = [part[name] for part in found["parts"]]
        between = f"{min(of_parts):z.1f} to {max(of_parts):z.1f}"
        print(f"  {name:26} {cost:z8.1f} an order ({between:>14})  {found['an idle second'][name]:z8.1f} a second idle")


if __name__ == "__main__":
    main()
