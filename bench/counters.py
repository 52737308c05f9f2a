"""What an engine's processes, its database and its calls to the node have used up to a moment."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.engine_run import RunningEngine

KINDS = {
    "web": "granian",
    "workers": "tasks.worker",
    "supervisor": "engine_app up",
    "Postgres": "postgres",
    "Valkey": "valkey-server",
}
"""Processes by a part of their command line. The supervisor starts the others and hands their log lines on. The chain
is none of ours: a cluster has validators of its own."""

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


def read(running: RunningEngine) -> Reading:
    """All counters now."""
    totals: defaultdict[str, float] = defaultdict(float)
    with running.database() as connection:
        for name, column in (("commits", "xact_commit"), ("connections opened", "sessions")):
            query = f"SELECT {column} FROM pg_stat_database WHERE datname = current_database()"  # noqa: S608
            totals[name] = one(connection, query)
        totals["WAL, KB"] = one(connection, "SELECT pg_current_wal_lsn() - '0/0'") / 1024
        totals["tables and indexes, KB"] = one(connection, TABLE_SIZES) / 1024
    for family in text_string_to_metric_families(httpx.get(running.metrics_url).text):
        for sample in family.samples:
            if sample.name == "engine_rpc_calls_total":
                totals["calls to the node"] += sample.value
    for kind, process in processes(running):
        used = process.cpu_times()
        totals[f"CPU of {kind}, ms"] += (used.user + used.system) * 1000
        if kind == "Postgres":
            # Connections come and go, and each is a process; the first one has the time of those that are gone.
            totals[f"CPU of {kind}, ms"] += (used.children_user + used.children_system) * 1000
    return Reading(time.monotonic(), totals)


def memory(running: RunningEngine) -> dict[str, float]:
    """MB in memory: of the largest process of each kind; of Postgres, whose processes share most, without that."""
    most: dict[str, float] = {}
    for kind, process in processes(running):
        told = process.memory_info()
        held = told.rss - (told.shared if kind == "Postgres" else 0)
        most[kind] = max(most.get(kind, 0.0), round(held / 2**20, 1))
    return most


def processes(running: RunningEngine) -> Iterator[tuple[str, psutil.Process]]:
    """An engine's processes with their kinds."""
    for process in psutil.process_iter(["cmdline", "environ", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        places = (str(process.info["cwd"]), str((process.info["environ"] or {}).get("DATA_DIR")))
        kind = next((kind for kind, word in KINDS.items() if word in words), None)
        if kind is not None and any(place.startswith(running.data_dir) for place in places):
            yield kind, process


def one(connection: psycopg.Connection[tuple[object, ...]], query: str) -> float:
    """The number that a query gives."""
    row = connection.execute(query.encode()).fetchone()
    return float(str(row[0])) if row is not None else 0.0
