"""µs per decision, by how many pools are asked: `python -m bench.decisions`.

The pools of SOL and USDC on a local chain in this process: the two seeded ones, then every measured one besides
(tests/vectors), of all six venues. Reading them is not in it; `bench.quotes` has that, `bench.venues` one quote each.
"""

from __future__ import annotations

import asyncio
import gc
import json
from statistics import median
from time import perf_counter_ns
from typing import Any

from bench.quotes import CLUSTER, SOL, USDC, add_measured_pools
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet, LocalnetOptions
from engine_app.markets.pools import Pools, Snapshot
from engine_app.markets.routing import decide

ROUNDS = 200
AMOUNT_IN = 10**8


async def measure() -> dict[str, Any]:
    """Median µs of a decision, by its number of pools."""
    options = LocalnetOptions(port=0, ws_port=0, slot_ms=400)
    async with Localnet(options) as localnet:
        rpc = Rpc([localnet.url], CLUSTER)
        await rpc.start()
        seeded = await _snapshot(rpc)
        await add_measured_pools(localnet)
        everything = await _snapshot(rpc)
        await rpc.close()
    return {str(len(snapshot.pools)): _decide_us(snapshot) for snapshot in (seeded, everything)}


async def _snapshot(rpc: Rpc) -> Snapshot:
    pools = Pools(rpc, CLUSTER, refresh_seconds=3600)
    snapshot = await pools.snapshot(SOL, USDC)
    await pools.close()
    return snapshot


def _decide_us(snapshot: Snapshot) -> float:
    gc.disable()
    took = []
    for _ in range(ROUNDS):
        began = perf_counter_ns()
        decide(snapshot.pools, clock=snapshot.clock, mint_in=SOL, mint_out=USDC, amount_in=AMOUNT_IN)
        took.append(perf_counter_ns() - began)
    gc.enable()
    return round(median(took) / 1000, 1)


def main() -> None:
    """Measure and print."""
    print(json.dumps(asyncio.run(measure()), indent=2))


if __name__ == "__main__":
    main()
