"""One order at a time, the bare script's and the engine's in turn, on one chain, each at the same phases of the slot.

    python -m bench.one_at_a_time [ORDERS]

The script's clock stops when it knows what it received. The engine's starts before the POST leaves and stops at the
time of the `confirmed` event, which carries the landed amounts; all clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any

from bench.engine_run import SLOT_MS, RunningEngine, engine
from bench.figures import phases, summary
from bench.floor import bare_script
from bench.traders import following, traders

SEED = 20261127
FLOOR_P50_MS = 618
"""p50 of a script of this kind by others' measurement, at slots of 400 ms; ours counts within 5 % of it."""
SWAPS = (("SOL", "USDC", "0.05", 5 * 10**7), ("USDC", "SOL", "5", 5 * 10**6))
"""Token in, token out, the amount as an order names it and in base units; taken in turn."""

STEPS = """
SELECT e.name, extract(epoch FROM e.at)::float8 FROM order_events e WHERE e.order_id = %s ORDER BY e.seq"""


async def measure(running: RunningEngine, orders: int) -> dict[str, Any]:
    """Both, `orders` times each."""
    floor_ms: list[float] = []
    engine_ms: list[float] = []
    steps: dict[str, list[float]] = {"accepted": []}
    calls: Counter[str] = Counter()
    floor_phases, engine_phases = phases(orders, SEED), phases(orders, SEED + 1)
    chance = random.Random(SEED)
    async with (
        bare_script(running.rpc_url, running.ws_url) as script,
        traders(running.origin, 1) as (trader,),
        following(running.origin, trader) as follower,
    ):
        for token_in, token_out, amount, _ in SWAPS:
            await follower.confirmed(await trader.place(token_in, token_out, amount))
        follower.lateness_ms.clear()
        with running.database() as database:
            for number in range(orders):
                token_in, token_out, amount, units = SWAPS[number % 2]
                await script.at_phase(floor_phases[number], SLOT_MS)
                floor_ms.append(await script.swap(token_in, token_out, units))
                await asyncio.sleep(chance.uniform(0.05, 0.3))
                await script.at_phase(engine_phases[number], SLOT_MS)
                began = time.time()
                order_id = await trader.place(token_in, token_out, amount)
                steps["accepted"].append((time.time() - began) * 1000)
                await follower.confirmed(order_id)
                before = began
                for name, at in database.execute(STEPS, [order_id]).fetchall():
                    steps.setdefault(str(name), []).append((float(str(at)) - before) * 1000)
                    before = float(str(at))
                engine_ms.append((before - began) * 1000)
                told = json.loads(await trader.get(f"/api/orders/{order_id}"))
                calls.update(told["rpcCalls"])
    floor, whole = summary(floor_ms), summary(engine_ms)
    return {
        "orders": orders,
        "floor": floor,
        "floor counts": abs(floor["p50"] - FLOOR_P50_MS) <= FLOOR_P50_MS * 0.05,
        "engine": whole,
        "ratio": {rank: round(whole[rank] / floor[rank], 3) for rank in ("p50", "p95", "p99")},
        "steps": {name: summary(took) for name, took in steps.items()},
        "calls": {method: round(count / orders, 2) for method, count in sorted(calls.items())},
        "written to socket": summary(follower.lateness_ms),
        "samples": {"floor": floor_ms, "engine": engine_ms},
    }


def main() -> None:
    """Measure and print."""
    with engine() as running:
        found = asyncio.run(measure(running, int(sys.argv[1]) if len(sys.argv) > 1 else 50))
    del found["samples"]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
