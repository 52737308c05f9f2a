"""What an order costs beside what an idle engine does: commits, WAL, rows, calls to the node, CPU time.

    python -m bench.cost_of_an_order [ORDERS [ORDERS_A_SECOND]]

An idle stretch is measured first and taken off. Orders are placed and left alone: nobody looks at them meanwhile.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.engine_run import engine
from engine_app.embedded.endpoints import postgres_url
from engine_app.embedded.ports import free_port
from engine_app.embedded.state import RunState
from tests.trading import Bot, bot

IDLE_SECONDS = 20.0
SETTLE_SECONDS = 20.0
"""In which the last orders are finalized: 31 slots of 400 ms and a look every two seconds."""

KINDS = {"web": "granian", "workers": "tasks.worker", "Postgres": "postgres", "Valkey": "valkey-server"}
"""Processes by a word of their command line."""


TABLE_SIZES = """
SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment; `totals` by name, in the units of the name."""

    at: float
    totals: Mapping[str, float]

    def since(self, earlier: Reading) -> dict[str, float]:
        """What was added."""
        return {name: total - earlier.totals.get(name, 0.0) for name, total in self.totals.items()}


def read(database_url: str, metrics_url: str, data_dir: str) -> Reading:
    """All counters now."""
    totals: defaultdict[str, float] = defaultdict(float)
    with psycopg.connect(database_url) as connection:
        commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        totals["commits"] = _one(connection, commits)
        totals["WAL, KB"] = _one(connection, "SELECT pg_current_wal_lsn() - '0/0'") / 1024
        totals["tables and indexes, KB"] = _one(connection, TABLE_SIZES) / 1024
    for family in text_string_to_metric_families(httpx.get(metrics_url).text):
        for sample in family.samples:
            if sample.name == "engine_rpc_calls_total":
                totals["calls to the node"] += sample.value
    for process in psutil.process_iter(["cmdline", "environ", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        places = (str(process.info["cwd"]), str((process.info["environ"] or {}).get("DATA_DIR")))
        kind = next((kind for kind, word in KINDS.items() if word in words), None)
        if kind is not None and any(place.startswith(data_dir) for place in places):
            used = process.cpu_times()
            totals[f"CPU of {kind}, ms"] += (used.user + used.system) * 1000
    return Reading(time.monotonic(), totals)


def _one(connection: psycopg.Connection[tuple[object, ...]], query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    return float(str(row[0])) if row is not None else 0.0


def place(trader: Bot, orders: int, pace: float) -> None:
    """Place orders at a steady pace."""
    began = time.monotonic()
    for number in range(orders):
        time.sleep(max(0.0, began + number / pace - time.monotonic()))
        trader.place("SOL", "USDC", "0.01")


def main() -> None:
    """Measure and print a table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    metrics_port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as data,
        engine(DATA_DIR=data, METRICS_PORT=str(metrics_port)) as origin,
        bot(origin) as trader,
    ):
        trader.wait(trader.place("SOL", "USDC", "0.01"))
        time.sleep(SETTLE_SECONDS)
        database_url = postgres_url(Path(data), RunState.read(Path(data)).ports["postgres"])

        def now() -> Reading:
            return read(database_url, f"http://127.0.0.1:{metrics_port}/metrics", data)

        idle_from = now()
        time.sleep(IDLE_SECONDS)
        began = now()
        idle = began.since(idle_from)
        place(trader, orders, pace)
        time.sleep(SETTLE_SECONDS)
        ended = now()
        with psycopg.connect(database_url) as connection:
            final = _one(connection, "SELECT count(*) FROM orders WHERE finalized_at IS NOT NULL") - 1
    if final != orders:
        raise RuntimeError(f"{final:.0f} of {orders} orders were finalized in time")
    share = (ended.at - began.at) / (began.at - idle_from.at)
    print(f"{orders} orders at {pace:g} a second, beside what an idle engine does")
    for name, total in ended.since(began).items():
        cost, at_rest = (total - idle[name] * share) / orders, idle[name] / IDLE_SECONDS
        print(f"  {name:26} {cost:8.1f} an order   {at_rest:8.1f} a second idle")


if __name__ == "__main__":
    main()
