"""What was measured, as the tables of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import cost_of_an_order, growth, live_updates, one_at_a_time, sustained
from bench.aims import HISTORY_KINDS, aims
from bench.engine_run import SLOT_MS

STEPS = {
    "accepted": "POST to its answer",
    "placed": "POST to the order's row",
    "routing": "row to taken up by a worker",
    "routed": "pools read, decided, reserved",
    "submitted": "simulated, signed, committed",
    "confirmed": "sent, landed, confirmed, read, written",
}
OTHERS = (
    ("a Node worker: BullMQ, web3.js, the exchanges' own SDKs, tuned; 50 at once", "1,614", "10.4", "44"),
    ("Hummingbot Gateway 2.13, 10 at once", "318", "20", "144 to 218"),
)
"""By others' measurement, as the 618 ms of the bare script: orders a minute, calls and ms of CPU of an order."""


def told(found: dict[str, Any]) -> Iterator[str]:
    """All of them, line by line."""
    made = found["machine"]
    yield (
        f"{made['cores']} cores ({made['processor']}), {made['memory, GB']} GB, Python {made['python']}, everything on "
        f"one machine: Postgres with fsync, Valkey, the local chain with slots of {SLOT_MS} ms, two workers, one web "
        f"process, and who measures. Load over 1 minute before: {made['load at the start']}, over 15 after: "
        f"{made['load at the end']}."
    )
    yield from ("", "### Aims", "", "| | Aim | Measured | Met |", "|---|---|---|---|")
    for aim in aims(found):
        yield f"| {aim.what} | {aim.aim} | {aim.measured} | {aim.verdict} |"
    yield from _one(found)
    if "cost" in found:
        yield from _cost(found)
    yield from _many(found)
    if "script" in found:
        yield from _beside_others(found)
    if "live" in found:
        live = found["live"]
        yield from ("", "### Updates to pages", "")
        yield from [f"Not measured: {live['not measured']}."] if "not measured" in live else live_updates.table(live)
    if "growth" in found:
        yield from ("", "### An order while users and open orders grow", "", *growth.table(found["growth"]))
    yield from ("", "### History (a page of 50 over REST, the asking account has a tenth of all rows)", "")
    yield from ("| p50 / p95, ms | newest | far back | failed ones | of a token |", "|---|---|---|---|---|")
    for size in found["history"]:
        pages = " | ".join(f"{size[kind]['p50']:.1f} / {size[kind]['p95']:.1f}" for kind in HISTORY_KINDS)
        yield f"| {size['rows']:,} rows | {pages} |"
    if "quotes" in found:
        yield from _quotes(found)


def _one(found: dict[str, Any]) -> Iterator[str]:
    one = found["one at a time"]
    yield from ("", f"### One order at a time ({one['orders']} of each, in turn, at the same phases of the slot)", "")
    yield from ("| ms | p50 | p95 | p99 |", "|---|---|---|---|")
    yield f"| bare script: read, sign, send, confirmed, getTransaction | {_ranks(one['floor'])} |"
    yield f"| engine: POST to the committed event with the landed amounts | {_ranks(one['engine'])} |"
    yield "| engine / bare script | " + " | ".join(f"{one['ratio'][rank]:.2f}" for rank in ("p50", "p95", "p99")) + " |"
    for step, took in one["steps"].items():
        yield f"| … of it: {STEPS.get(step, step)} | {_ranks(took)} |"
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


def _cost(found: dict[str, Any]) -> Iterator[str]:
    cost, long = found["cost"], found["sustained"]["engine"]
    yield from ("", "### What an order costs", "")
    paced = f"{cost['pace']:g} a second, median of {len(cost['parts'])} parts (least to most)"
    yield f"| | an order, {paced} | an idle second | an order, sustained, idle work included |"
    yield "|---|---|---|---|"
    for name, price in cost["an order"].items():
        of_parts = [part[name] for part in cost["parts"]]
        between = f"{price:g} ({min(of_parts):g} to {max(of_parts):g})"
        yield f"| {name} | {between} | {cost['an idle second'][name]:g} | {long['an order'][name]:g} |"


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
    for kind, held in found["sustained"]["memory, MB"].items():
        yield f"| memory afterwards, the largest process of {kind}, MB | {held:g} |"


def _beside_others(found: dict[str, Any]) -> Iterator[str]:
    script, long, calls = found["script"], found["sustained"]["engine"], found["one at a time"]["calls"]
    yield from ("", "| the bare script, so many at once | orders a minute | p50 / p95, ms | its CPU, ms an order |")
    yield "|---|---|---|---|"
    for step in script:
        rate, took = f"{step['orders a minute']:,}", f"{step['p50']:.0f} / {step['p95']:.0f}"
        yield f"| {step['at once']:g} | {rate} | {took} | {step['CPU of the script, ms an order']:g} |"
    in_time = [step for step in script if step["p95"] < sustained.MOST_P95_MS] or script[:1]
    most = max(in_time, key=lambda step: float(step["orders a minute"]))
    price = long["an order"]
    yield from ("", "### Beside other ways to do it", "")
    yield "| | orders a minute | calls to the node | CPU, ms an order | database in it |"
    yield "|---|---|---|---|---|"
    yield (
        f"| the bare script, {most['at once']:g} at once | {most['orders a minute']:,} | {sum(calls.values()):g} | "
        f"{most['CPU of the script, ms an order']:g} | none |"
    )
    for name, rate, asked, cpu in OTHERS:
        yield f"| {name} | {rate} | {asked} | {cpu} | none |"
    own = f"{price['calls to the node']:g}, of them {sum(calls.values()):g} its own"
    cpu_of_all = f"{cost_of_an_order.cpu(price):.1f}, workers alone {price['CPU of workers, ms']:.1f}"
    pace = f"{long['orders a minute']:,}"
    yield f"| this engine, the last run of five minutes | {pace} | {own} | {cpu_of_all} | Postgres, with fsync |"


def _quotes(found: dict[str, Any]) -> Iterator[str]:
    yield from ("", "### Quotes and decisions", "")
    yield from ("| median (p10 to p90), µs | from raw bytes | from a pool |", "|---|---|---|")
    for name, took in found["quotes"].items():
        yield f"| {name} | {_spread(took['from raw bytes'])} | {_spread(took['from a pool'])} |"
    for over, took in found["decisions"].items():
        yield f"| a decision over {over} | | {_spread(took)} |"


def _spread(took: dict[str, float]) -> str:
    return f"{took['median']:.1f} ({took['p10']:.1f} to {took['p90']:.1f})"


def _ranks(took: dict[str, float]) -> str:
    return " | ".join(f"{took[rank]:.{0 if took[rank] >= 100 else 1}f}" for rank in ("p50", "p95", "p99"))
