"""Every measurement in turn: `make bench`, or `BENCH=quick make bench` for a look in a minute and a half.

The whole run, about twenty-five minutes, writes what it found between the marks of docs/performance.md, with plots and
every figure in docs/performance. The quick one only prints.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Error as PlaywrightError

from bench import (
    cost_of_an_order,
    decisions,
    growth,
    history,
    live_updates,
    one_at_a_time,
    pickup,
    plots,
    sustained,
    venues,
)
from bench.engine_run import PROJECT, RunningEngine, engine
from bench.tables import told

DOCUMENT = PROJECT / "docs" / "performance.md"
FOLDER = PROJECT / "docs" / "performance"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


async def of_engine(running: RunningEngine, *, quick: bool) -> dict[str, Any]:
    """What is measured on one engine, the history last: it stays large."""
    found: dict[str, Any] = {}
    _tell("one order at a time")
    found["one at a time"] = await one_at_a_time.measure(running, 10 if quick else 64)
    if not quick:
        _tell("what an order costs")
        found["cost"] = await cost_of_an_order.measure(running, 240, 4.0, idle_seconds=15.0)
        _tell("the bare script, many at once")
        found["script"] = await sustained.of_script(running, 8.0)
    _tell("many orders at once")
    found["sustained"] = await sustained.measure(
        running, 10.0 if quick else 300.0, 10.0 if quick else None, accounts=4 if quick else sustained.ACCOUNTS
    )
    _tell("history")
    found["history"] = await history.measure(running, [100, 10_000] if quick else [100, 10_000, 1_000_000], 50)
    return found


def measure(*, quick: bool) -> dict[str, Any]:
    """Everything."""
    found: dict[str, Any] = {"machine": machine(), "mode": "quick" if quick else "full"}
    _tell("pick-up")
    found["pickup"] = pickup.measure(30 if quick else 150)
    if not quick:
        _tell("quotes and decisions")
        found["quotes"] = venues.measure_all()
        found["decisions"] = decisions.measure()
        _tell("to the page")
        found["live"] = live()
        _tell("growth")
        found["growth"] = grown()
    with engine() as running:
        found |= asyncio.run(of_engine(running, quick=quick))
    found["machine"] |= {"load at the end": round(os.getloadavg()[2], 2)}
    return found


def live() -> dict[str, Any]:
    """From publishing to pages; where that could not be measured, why."""
    try:
        with engine() as running:
            return asyncio.run(live_updates.measure(running, live_updates.SESSIONS))
    except (live_updates.NotMeasured, PlaywrightError) as error:
        return {"not measured": str(error).partition("\n")[0]}


def grown() -> list[dict[str, Any]]:
    """Orders while users and open orders grow, on an engine that is not used any more."""
    with engine() as running:
        return asyncio.run(growth.measure(running, growth.SIZES, growth.ORDERS))


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory, GB": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load at the start": round(os.getloadavg()[0], 2),
    }


def write(found: dict[str, Any]) -> None:
    """Put the tables between the marks of the document; plots and figures beside it."""
    plots.draw(found, FOLDER)
    (FOLDER / "figures.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    names = ("one-at-a-time", "cpu", "sustained", "history")
    drawn = "\n".join(f"![{name}](performance/{name}.svg)" for name in names)
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    tables = "\n".join(told(found))
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{drawn}\n\n{END}{after}")


def _tell(what: str) -> None:
    sys.stderr.write(f"… {what}\n")


def main() -> None:
    """Measure, print, and write unless it was a quick look."""
    quick = os.environ.get("BENCH") == "quick"
    found = measure(quick=quick)
    print("\n".join(told(found)))
    if not quick:
        write(found)


if __name__ == "__main__":
    main()
