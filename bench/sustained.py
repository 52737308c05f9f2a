"""Many orders at once: how many a minute, how late, what they cost then, and what a bare script manages.

    python -m bench.sustained [SECONDS [ORDERS_A_SECOND]]

Orders come at a steady pace from many accounts, whether or not the engine keeps up. Without a pace, short runs of
growing pace look for the highest at which p95 from POST to confirmed stays below two seconds. What seconds bear,
minutes may not: so the long run is made at that pace first, and one step lower as long as it does not hold. Each long
run is told. One is given up as soon as it can no longer hold: an order is lost, late or refused, or more than a
twentieth of all orders that it was to place have taken longer than two seconds.

The bare script has so many orders on their way at all times, and each takes up to two slots whatever it does: fifty at
once are no more than fifty in two slots. So it gets twice as many until it does no more of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.counters import memory, one, read
from bench.engine_run import RunningEngine, engine
from bench.figures import percentile, rounded, summary
from bench.floor import BareScript, bare_script
from bench.traders import Trader, traders

ACCOUNTS = 20
PACES = (20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
STEP_SECONDS = 20.0
"""Longer than an order takes to become final, 31 slots of 400 ms: in less time the engine would be spared that work."""
LATE_MS = 5_000.0
MOST_P95_MS = 2_000.0
MOST_SLOW = 0.05
"""The share of orders that may take longer than that: with more of them p95 does."""
LOOK_SECONDS = 5.0
"""How often a run looks whether it can still hold."""
DRAIN_LOOKS = 120
"""Twice a second, for whatever is still open."""
REST_SECONDS = 20.0
"""Between long runs: the orders of the one become final before the next one begins."""
SCRIPT_AT_ONCE = (50, 100, 200, 400, 800, 1_600)
SCRIPT_GROWS = 1.05
"""By how much the script's rate has to grow with twice as many at once for another doubling to be tried."""
SWAPS = (("SOL", "USDC", "0.01", 10**7), ("USDC", "SOL", "1", 10**6))
"""Token in, token out, the amount as an order names it and in base units; taken in turn."""

OPEN = "SELECT count(*) FROM orders WHERE status NOT IN ('confirmed', 'failed')"
ENDS = """
SELECT o.id::text, extract(epoch FROM e.at)::float8 FROM orders o
JOIN order_events e ON e.order_id = o.id AND e.name = 'confirmed' WHERE o.id = ANY(%s::uuid[])"""


@dataclass(slots=True)
class Stretch:
    """The orders of one run.

    Attributes:
        planned: how many the run is to place.
        sent: when the POST of each began, seconds since 1970.
        took: milliseconds from POST to confirmed, of those that are known to be.
        refused: what answers were no acceptance.
    """

    planned: int
    sent: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    def look(self, running: RunningEngine) -> None:
        """Ask the database for the ends of orders whose end is not known."""
        unknown = [order_id for order_id in list(self.sent) if order_id not in self.took]
        with running.database() as database:
            for order_id, at in database.execute(ENDS, [unknown]).fetchall():
                self.took[str(order_id)] = (float(str(at)) - self.sent[str(order_id)]) * 1000

    def hopeless(self) -> bool:
        """Whether no further order can make the run hold."""
        now = time.time()
        waiting = [(now - at) * 1000 for order_id, at in self.sent.items() if order_id not in self.took]
        taking = [*self.took.values(), *waiting]
        slow = sum(ms > MOST_P95_MS for ms in taking)
        return bool(self.refused) or max(taking, default=0.0) > LATE_MS or slow > MOST_SLOW * self.planned


async def of_script(running: RunningEngine, seconds: float) -> list[dict[str, float]]:
    """What the bare script does with ever more orders at once, so many seconds each, up to what brings no more."""
    done: list[dict[str, float]] = []
    async with bare_script(running.rpc_url, running.ws_url) as script:
        for at_once in SCRIPT_AT_ONCE:
            done.append(await _script_at(script, at_once, seconds))
            if len(done) > 1 and done[-1]["orders a minute"] < done[-2]["orders a minute"] * SCRIPT_GROWS:
                break
    return done


async def _script_at(script: BareScript, at_once: int, seconds: float) -> dict[str, float]:
    took: list[float] = []
    began, used = time.monotonic(), time.process_time()

    async def trade(number: int) -> None:
        token_in, token_out, _, units = SWAPS[number % 2]
        while time.monotonic() - began < seconds:
            took.append(await script.swap(token_in, token_out, units))

    await asyncio.gather(*(trade(number) for number in range(at_once)))
    lasted, used = time.monotonic() - began, time.process_time() - used
    return {
        "at once": at_once,
        "orders a minute": round(len(took) * 60 / lasted),
        "p50": round(percentile(took, 50), 1),
        "p95": round(percentile(took, 95), 1),
        "CPU of the script, ms an order": rounded(used * 1000 / len(took)),
    }


async def run(running: RunningEngine, trading: list[Trader], pace: float, seconds: float) -> dict[str, Any]:
    """One stretch at one pace: each order's fate, and what the engine used meanwhile."""
    stretch = Stretch(int(pace * seconds))
    began, first = read(running), time.time()
    gave_up = False

    async def place(number: int) -> None:
        at = time.time()
        token_in, token_out, amount, _ = SWAPS[number % 2]
        try:
            stretch.sent[await trading[number % len(trading)].place(token_in, token_out, amount)] = at
        except (RuntimeError, aiohttp.ClientError, TimeoutError) as error:
            stretch.refused[type(error).__name__] += 1

    async def watch() -> None:
        nonlocal gave_up
        while not gave_up:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(stretch.look, running)
            gave_up = stretch.hopeless()

    watching = asyncio.create_task(watch())
    placing: list[asyncio.Task[None]] = []
    for number in range(stretch.planned):
        await asyncio.sleep(max(0.0, first + number / pace - time.time()))
        if gave_up:
            break
        placing.append(asyncio.create_task(place(number)))
    await asyncio.gather(*placing)
    placed_in = time.time() - first
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    with running.database() as database:
        for _ in range(DRAIN_LOOKS):
            if not one(database, OPEN):
                break
            await asyncio.sleep(0.5)
    stretch.look(running)
    used = read(running).since(began)
    if not stretch.took:
        raise RuntimeError("no order was confirmed")
    return {
        "pace": pace,
        "seconds": round(placed_in),
        "gave up": gave_up,
        "accounts": len(trading),
        "orders": len(stretch.sent),
        "orders a minute": round(len(stretch.sent) * 60 / placed_in),
        "lost": len(stretch.sent) - len(stretch.took),
        "refused": dict(stretch.refused),
        "late": sum(ms > LATE_MS for ms in stretch.took.values()),
        "submit to confirmed": summary(list(stretch.took.values())),
        "by ten seconds": _by_ten_seconds(stretch, first),
        "an order": {name: rounded(total / len(stretch.sent)) for name, total in used.items()},
    }


async def measure(
    running: RunningEngine, seconds: float, pace: float | None = None, *, accounts: int = ACCOUNTS
) -> dict[str, Any]:
    """The search for the highest pace, unless one is given, then the long runs; memory at their end."""
    steps: list[dict[str, Any]] = []
    async with traders(running.origin, accounts) as trading:
        if pace is None:
            for tried in PACES:
                steps.append(await run(running, trading, tried, STEP_SECONDS))
                if not kept_up(steps[-1]):
                    break
            paces = [step["pace"] for step in reversed(steps) if kept_up(step)] or [PACES[0] / 2]
        else:
            paces = [pace]
        long = await _long_runs(running, trading, paces, seconds)
    return {
        "engine": long[-1],
        "long": long,
        "search": [_brief(step) for step in steps],
        "memory, MB": memory(running),
    }


async def _long_runs(
    running: RunningEngine, trading: list[Trader], paces: Sequence[float], seconds: float
) -> list[dict[str, Any]]:
    """Runs at falling paces, down to the first that holds."""
    done: list[dict[str, Any]] = []
    for pace in paces:
        if done:
            await asyncio.sleep(REST_SECONDS)
        done.append(await run(running, trading, pace, seconds))
        if kept_up(done[-1]):
            break
    return done


def kept_up(step: dict[str, Any]) -> bool:
    """Whether a run held: no order lost, late or refused, and p95 below the aim."""
    missed = step["lost"] or step["late"] or step["refused"] or step["gave up"]
    return not missed and bool(step["submit to confirmed"]["p95"] < MOST_P95_MS)


def _brief(step: dict[str, Any]) -> dict[str, Any]:
    return {"pace": step["pace"], "p95": step["submit to confirmed"]["p95"], "kept up": kept_up(step)}


def _by_ten_seconds(stretch: Stretch, first: float) -> list[float]:
    """p95 of the orders that were placed in each ten seconds."""
    parts: dict[int, list[float]] = {}
    for order_id, ms in stretch.took.items():
        parts.setdefault(int((stretch.sent[order_id] - first) / 10), []).append(ms)
    return [round(percentile(parts[number], 95), 1) for number in sorted(parts)]


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else None
    with engine() as running:
        print(json.dumps(asyncio.run(measure(running, seconds, pace)), indent=2))


if __name__ == "__main__":
    main()
