"""Every measurement in turn: `make bench`, or `BENCH=quick make bench` for a look in a minute and a half.

The whole run, about twenty minutes, writes what it found between the marks of docs/performance.md, with plots and
every figure in docs/performance. The quick one only prints.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench import cost_of_an_order, decisions, history, one_at_a_time, pickup, plots, sustained, venues
from bench.engine_run import PROJECT, SLOT_MS, RunningEngine, engine

DOCUMENT = PROJECT / "docs" / "performance.md"
FOLDER = PROJECT / "docs" / "performance"
LIVE_SESSIONS = 11
LIVE_SECONDS = 180.0
LIVE_ALONE = "to the document of 1 tab, alone"
"""The line of its table that an aim is set for."""
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


async def of_engine(running: RunningEngine, *, quick: bool) -> dict[str, Any]:
    """What is measured on one engine, the history last: it stays large."""
    found: dict[str, Any] = {}
    _tell("one order at a time")
    found["one at a time"] = await one_at_a_time.measure(running, 10 if quick else 64)
    if not quick:
        _tell("what an order costs")
        found["cost"] = await cost_of_an_order.measure(running, 80, 4.0, idle_seconds=15.0)
        _tell("the bare script, many at once")
        found["script"] = await sustained.of_script(running, 15.0)
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
        found["live"] = live_updates()
    with engine() as running:
        found |= asyncio.run(of_engine(running, quick=quick))
    found["machine"] |= {"load at the end": round(os.getloadavg()[2], 2)}
    return found


def live_updates() -> list[str]:
    """The table of `bench.live_updates`, which needs a Chromium; else one line that says why there is none."""
    argv = [sys.executable, "-m", "bench.live_updates", str(LIVE_SESSIONS)]
    try:
        done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=LIVE_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return [f"Not measured: {type(error).__name__}."]
    return [line for line in done.stdout.splitlines() if line.startswith("|")]


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


def told(found: dict[str, Any]) -> Iterator[str]:
    """The tables, line by line."""
    one = found["one at a time"]
    made = found["machine"]
    yield (
        f"{made['cores']} cores ({made['processor']}), {made['memory, GB']} GB, Python {made['python']}, everything on "
        f"one machine: Postgres with fsync, Valkey, the local chain with slots of {SLOT_MS} ms, two workers, one web "
        f"process, and who measures. Load over 1 minute before: {made['load at the start']}, over 15 after: "
        f"{made['load at the end']}."
    )
    yield from ("", "### Aims", "", "| | Aim | Measured |", "|---|---|---|")
    for what, aim, value in _aims(found):
        yield f"| {what} | {aim} | {value} |"
    yield from ("", f"### One order at a time ({one['orders']} of each, in turn, at the same phases of the slot)", "")
    yield from ("| ms | p50 | p95 | p99 |", "|---|---|---|---|")
    yield f"| bare script: read, sign, send, confirmed, getTransaction | {_ranks(one['floor'])} |"
    yield f"| engine: POST to the committed event with the landed amounts | {_ranks(one['engine'])} |"
    yield "| engine / bare script | " + " | ".join(f"{one['ratio'][rank]:.2f}" for rank in ("p50", "p95", "p99")) + " |"
    for step, took in one["steps"].items():
        yield f"| … of it: {_STEPS.get(step, step)} | {_ranks(took)} |"
    yield f"| an update: written to received over Socket.IO | {_ranks(one['written to socket'])} |"
    yield f"| a message: enqueued to started in an idle worker | {_ranks(found['pickup'])} |"
    counts = "counts" if one["floor counts"] else "does NOT count"
    yield ""
    yield (
        f"The bare script {counts}: its p50 must lie within 5 % of the {one_at_a_time.FLOOR_P50_MS} ms that others "
        "measured for such a script. RPC calls of an order's own: "
        + ", ".join(f"{method} {count:g}" for method, count in one["calls"].items())
        + "."
    )
    if "cost" in found:
        yield from _cost(found)
    yield from _many(found)
    if "live" in found:
        yield from ("", "### Updates to pages, ms", "", *found["live"])
    yield from ("", "### History (a page of 50 over REST, the asking account has a tenth of all rows)", "")
    yield from ("| p50 / p95, ms | newest | far back | failed ones | of a token |", "|---|---|---|---|---|")
    for size in found["history"]:
        pages = (size[kind] for kind in ("newest", "far back", "failed ones", "of a token"))
        yield (
            f"| {size['rows']:,} rows | "
            + " | ".join(f"{page['p50']:.1f} / {page['p95']:.1f}" for page in pages)
            + " |"
        )
    if "quotes" in found:
        yield from ("", "### Quotes and decisions", "", "| µs | from raw bytes | from a pool |", "|---|---|---|")
        for name, (raw, quoting, _) in found["quotes"].items():
            yield f"| {name} | {raw:.1f} | {quoting:.1f} |"
        for over, took in found["decisions"].items():
            yield f"| a decision over {over} | | {took:.1f} |"


_STEPS = {
    "accepted": "POST to its answer",
    "placed": "POST to the order's row",
    "routing": "row to taken up by a worker",
    "routed": "pools read, decided, reserved",
    "submitted": "simulated, signed, committed",
    "confirmed": "sent, landed, confirmed, read, written",
}


def _many(found: dict[str, Any]) -> Iterator[str]:
    long = found["sustained"]["long"]
    orders = sum(run["orders"] for run in long)
    yield from ("", f"### Many at once ({orders} orders from {long[0]['accounts']} accounts)", "")
    yield "| orders a minute | for | p50 / p95 / p99, ms | lost / later than 5 s / refused | held |"
    yield "|---|---|---|---|---|"
    for run in long:
        took = _ranks(run["submit to confirmed"]).replace(" | ", " / ")
        missed = f"{run['lost']} / {run['late']} / {sum(run['refused'].values())}"
        lasted = f"{run['seconds']} s" + (", then given up" if run["gave up"] else "")
        held = "yes" if sustained.kept_up(run) else "no"
        yield f"| {run['orders a minute']} | {lasted} | {took} | {missed} | {held} |"
    yield from ("", "| | Engine |", "|---|---|")
    for step in found["sustained"]["search"]:
        kept = "kept up" if step["kept up"] else "did not keep up"
        yield f"| {sustained.STEP_SECONDS:g} s at {step['pace'] * 60:g} a minute: p95, ms | {step['p95']:.0f}, {kept} |"
    if "script" in found:
        script = found["script"]
        yield f"| the bare script, {script['at once']:g} at once: orders a minute | {script['orders a minute']:g} |"
    for kind, held in found["sustained"]["memory, MB"].items():
        yield f"| memory afterwards, the largest process of {kind}, MB | {held:g} |"


def _cost(found: dict[str, Any]) -> Iterator[str]:
    cost, long = found["cost"], found["sustained"]["engine"]
    yield from ("", "### What an order costs", "")
    yield f"| | an order, {cost['pace']:g} a second | an idle second | an order, sustained, idle work included |"
    yield "|---|---|---|---|"
    for name, price in cost["an order"].items():
        yield f"| {name} | {price:g} | {cost['an idle second'][name]:g} | {long['an order'][name]:g} |"


def _aims(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    one, long = found["one at a time"], found["sustained"]["engine"]
    yield "engine / bare script, p50", "≤ 1.10", f"{one['ratio']['p50']:.2f}"
    yield "engine / bare script, p95", "≤ 1.15", f"{one['ratio']['p95']:.2f}"
    missed = long["late"] + long["lost"] + sum(long["refused"].values())
    kept = f"{long['orders a minute']:,}, {missed} late, lost or refused"
    if not sustained.kept_up(long):
        kept += "; no pace held"
    yield f"orders a minute for {long['seconds']} s, none late, lost or refused", "≥ 1,800", kept
    yield "submit → confirmed p95 under it", "< 2 s", f"{long['submit to confirmed']['p95'] / 1000:.2f} s"
    for name, price in (("4 a second", found.get("cost")), ("sustained", long)):
        if price is not None:
            cpu = sum(value for kind, value in price["an order"].items() if kind.startswith("CPU of "))
            yield f"CPU an order, {name}, all processes of ours", "≤ 25 ms", f"{cpu:.1f} ms"
    yield "RPC calls an order", "≤ 4", f"{sum(one['calls'].values()):g}"
    yield "enqueued → started, p95", "< 10 ms", f"{found['pickup']['p95']:.1f} ms"
    for line in found.get("live", []):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == LIVE_ALONE:
            yield "published → the document of one tab, p95", "< 50 ms", f"{cells[2]} ms"
    yield "written → Socket.IO, p95", "< 20 ms", f"{one['written to socket']['p95']:.1f} ms"
    largest = found["history"][-1]
    page = max(largest[kind]["p95"] for kind in ("newest", "far back", "failed ones", "of a token"))
    yield f"history page at {largest['rows']:,} rows, p95 of the slowest kind", "< 20 ms", f"{page:.1f} ms"
    yield "memory of a worker", "< 150 MB", f"{found['sustained']['memory, MB']['workers']:g} MB"


def _ranks(took: dict[str, float]) -> str:
    return " | ".join(f"{took[rank]:.{0 if took[rank] >= 100 else 1}f}" for rank in ("p50", "p95", "p99"))


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
