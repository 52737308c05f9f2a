"""Many orders at once: how many a minute, how late, what they cost then, and what a bare script manages.

    python -m bench.sustained [SECONDS [ORDERS_A_SECOND]]

Orders come at a steady pace from many accounts, whether or not the engine keeps up. Without a pace, short runs of
growing pace look for the highest at which p95 from POST to confirmed stays below two seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from bench.counters import memory, one, read
from bench.engine_run import RunningEngine, engine
from bench.figures import percentile, summary
from bench.floor import bare_script
from bench.traders import Trader, traders

ACCOUNTS = 20
PACES = (10.0, 15.0, 20.0, 25.0, 30.0, 35.0)
STEP_SECONDS = 10.0
LATE_MS = 5_000.0
MOST_P95_MS = 2_000.0
DRAIN_LOOKS = 120
"""Twice a second, for whatever is still open."""
SCRIPT_AT_ONCE = 50

OPEN = "SELECT count(*) FROM orders WHERE status NOT IN ('confirmed', 'failed')"
ENDS = """
SELECT o.id::text, o.status, extract(epoch FROM e.at)::float8 FROM orders o
LEFT JOIN order_events e ON e.order_id = o.id AND e.name = 'confirmed' WHERE o.id = ANY(%s::uuid[])"""


async def of_script(running: RunningEngine, seconds: float) -> dict[str, float]:
    """Orders a minute of the bare script, so many at once."""
    done = 0
    async with bare_script(running.rpc_url, running.ws_url) as script:
        began = time.monotonic()

        async def trade() -> None:
            nonlocal done
            while time.monotonic() - began < seconds:
                await script.swap("SOL", "USDC", 10**7)
                done += 1

        await asyncio.gather(*(trade() for _ in range(SCRIPT_AT_ONCE)))
        took = time.monotonic() - began
    return {"orders a minute": round(done * 60 / took), "at once": SCRIPT_AT_ONCE}


async def run(running: RunningEngine, trading: list[Trader], pace: float, seconds: float) -> dict[str, Any]:
    """One stretch at one pace: each order's fate, and what the engine used meanwhile."""
    sent: dict[str, float] = {}
    began, first = read(running), time.time()

    async def place(number: int) -> None:
        at = time.time()
        token_in, token_out, amount = (("SOL", "USDC", "0.01"), ("USDC", "SOL", "1"))[number % 2]
        sent[await trading[number % len(trading)].place(token_in, token_out, amount)] = at

    placing: list[asyncio.Task[None]] = []
    for number in range(int(pace * seconds)):
        await asyncio.sleep(max(0.0, first + number / pace - time.time()))
        placing.append(asyncio.create_task(place(number)))
    answers = await asyncio.gather(*placing, return_exceptions=True)
    refused = Counter(type(answer).__name__ for answer in answers if answer is not None)
    placed_in = time.time() - first
    with running.database() as database:
        for _ in range(DRAIN_LOOKS):
            if not one(database, OPEN):
                break
            await asyncio.sleep(0.5)
        ends = database.execute(ENDS, [list(sent)]).fetchall()
    used = read(running).since(began)
    took = {str(name): (float(str(at)) - sent[str(name)]) * 1000 for name, _, at in ends if at is not None}
    lost = len(sent) - len(took)
    if not took:
        raise RuntimeError("no order was confirmed")
    return {
        "pace": pace,
        "accounts": len(trading),
        "orders": len(sent),
        "orders a minute": round(len(sent) * 60 / placed_in),
        "lost": lost,
        "refused": dict(refused),
        "late": sum(ms > LATE_MS for ms in took.values()),
        "submit to confirmed": summary(list(took.values())),
        "by ten seconds": _by_ten_seconds(sent, took, first),
        "an order": {name: round(total / len(sent), 2) for name, total in used.items()},
    }


async def measure(
    running: RunningEngine, seconds: float, pace: float | None = None, *, accounts: int = ACCOUNTS
) -> dict[str, Any]:
    """The search for the highest pace, unless one is given, then the long run at it; memory at its end."""
    steps = []
    async with traders(running.origin, accounts) as trading:
        if pace is None:
            pace = PACES[0] / 2
            for tried in PACES:
                steps.append(await run(running, trading, tried, STEP_SECONDS))
                if not _kept_up(steps[-1]):
                    break
                pace = tried
        long = await run(running, trading, pace, seconds)
    return {
        "engine": long,
        "search": [_brief(step) for step in steps],
        "memory, MB": memory(running),
    }


def _kept_up(step: dict[str, Any]) -> bool:
    missed = step["lost"] or step["late"] or step["refused"]
    return not missed and bool(step["submit to confirmed"]["p95"] < MOST_P95_MS)


def _brief(step: dict[str, Any]) -> dict[str, Any]:
    return {"pace": step["pace"], "p95": step["submit to confirmed"]["p95"], "kept up": _kept_up(step)}


def _by_ten_seconds(sent: dict[str, float], took: dict[str, float], first: float) -> list[float]:
    """p95 of the orders that were placed in each ten seconds."""
    parts: dict[int, list[float]] = {}
    for order_id, ms in took.items():
        parts.setdefault(int((sent[order_id] - first) / 10), []).append(ms)
    return [round(percentile(parts[number], 95), 1) for number in sorted(parts)]


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else None
    with engine() as running:
        print(json.dumps(asyncio.run(measure(running, seconds, pace)), indent=2))


if __name__ == "__main__":
    main()
