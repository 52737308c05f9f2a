"""What was aimed at, what was measured, and whether the one is within the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import cost_of_an_order, live_updates, sustained

CPU_MS = 25.0
ORDERS_A_MINUTE = 1_800
HISTORY_KINDS = ("newest", "far back", "failed ones", "of a token")
QUICK = "not in the quick look"


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim.

    Attributes:
        what: is measured.
        aim: in words.
        measured: in words, or why it was not.
        met: None where it was not measured.
    """

    what: str
    aim: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]


def aims(found: dict[str, Any]) -> Iterator[Aim]:
    """All of them, whatever was measured."""
    one, quick = found["one at a time"], found["mode"] == "quick"
    for rank, most in (("p50", 1.10), ("p95", 1.15)):
        ratio = one["ratio"][rank]
        yield Aim(f"engine / bare script, {rank}", f"≤ {most:.2f}", f"{ratio:.2f}", ratio <= most)
    yield from _sustained(found["sustained"]["engine"], quick=quick)
    yield from _cpu(found)
    calls = sum(one["calls"].values())
    yield Aim("RPC calls an order", "≤ 4", f"{calls:g}", calls <= 4)
    yield _below("enqueued → started, p95", 10, found["pickup"]["p95"])
    live = found.get("live", {"not measured": QUICK})
    what = "published → the document of one tab, p95"
    if why := live.get("not measured"):
        yield Aim(what, "< 50 ms", why, None)
    else:
        yield _below(what, 50, live[live_updates.ALONE]["p95"])
    yield _below("written → Socket.IO, p95", 20, one["written to socket"]["p95"])
    largest = found["history"][-1]
    page = max(largest[kind]["p95"] for kind in HISTORY_KINDS)
    yield _below(f"history page at {largest['rows']:,} rows, p95 of the slowest kind", 20, page)
    memory = found["sustained"]["memory, MB"]["workers"]
    yield Aim("memory of a worker", "< 150 MB", f"{memory:g} MB", memory < 150)


def _sustained(long: dict[str, Any], *, quick: bool) -> Iterator[Aim]:
    missed = long["late"] + long["lost"] + sum(long["refused"].values())
    held = sustained.kept_up(long)
    told = f"{long['orders a minute']:,}, {missed} late, lost or refused" + ("" if held else "; no pace held")
    what, aim = "orders a minute for five minutes, none late, lost or refused", f"≥ {ORDERS_A_MINUTE:,}"
    p95 = long["submit to confirmed"]["p95"]
    if quick:
        yield Aim(what, aim, QUICK, None)
    else:
        yield Aim(what, aim, told, held and long["pace"] * 60 >= ORDERS_A_MINUTE)
    yield Aim("submit → confirmed p95 under it", "< 2 s", f"{p95 / 1000:.2f} s", p95 < sustained.MOST_P95_MS)


def _cpu(found: dict[str, Any]) -> Iterator[Aim]:
    what, aim = "CPU an order, {}, all processes of ours", f"≤ {CPU_MS:g} ms"
    if "cost" in found:
        parts = sorted(map(cost_of_an_order.cpu, found["cost"]["parts"]))
        middle = parts[len(parts) // 2]
        told = f"{middle:.1f} ms ({parts[0]:.1f} to {parts[-1]:.1f})"
        yield Aim(what.format(f"{found['cost']['pace']:g} a second"), aim, told, middle <= CPU_MS)
    else:
        yield Aim(what.format("4 a second"), aim, QUICK, None)
    price = cost_of_an_order.cpu(found["sustained"]["engine"]["an order"])
    yield Aim(what.format("sustained"), aim, f"{price:.1f} ms", price <= CPU_MS)


def _below(what: str, most: int, ms: float) -> Aim:
    return Aim(what, f"< {most} ms", f"{ms:.1f} ms", ms < most)
