"""From the POST to the committed event that carries the landed amounts, one order at a time, at random slot phase.

    python -m bench.submit_to_confirmed [ORDERS]

The clock starts before the request leaves and stops at the `confirmed` event's own time; both are this machine's.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import Counter
from datetime import datetime

from bench.engine_run import engine
from tests.trading import bot, moments

SLOT_MS = 400
SEED = 20261123


def percentile(values: list[float], percent: int) -> float:
    """Nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]


def main() -> None:
    """Measure and print a table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    phase = random.Random(SEED)
    took: list[float] = []
    calls: Counter[str] = Counter()
    with engine(slot_ms=SLOT_MS) as origin, bot(origin) as trader:
        trader.wait(trader.place("SOL", "USDC", "0.01"))
        for number in range(orders):
            time.sleep(phase.uniform(0, 2 * SLOT_MS / 1000))
            token_in, token_out, amount = [("SOL", "USDC", "0.05"), ("USDC", "SOL", "5")][number % 2]
            began = time.time()
            order = trader.wait(trader.place(token_in, token_out, amount))
            if order["status"] != "confirmed":
                raise RuntimeError(f"order {order['orderId']} ended as {order['error']}")
            (confirmed,) = moments(order, "confirmed")
            took.append((confirmed - datetime.fromtimestamp(began, confirmed.tzinfo)).total_seconds() * 1000)
            calls.update(order["rpcCalls"])
    print(f"{orders} orders, slots of {SLOT_MS} ms, random phase (seed {SEED})")
    print(
        f"submit → confirmed  p50 {percentile(took, 50):.0f} ms   p95 {percentile(took, 95):.0f} ms   "
        f"max {max(took):.0f} ms   mean {statistics.mean(took):.0f} ms"
    )
    for method, count in sorted(calls.items()):
        print(f"  {method:24} {count / orders:.2f} an order")
    print(f"  {'all own RPC calls':24} {calls.total() / orders:.2f} an order")


if __name__ == "__main__":
    main()
