"""How the engine's state reads on the page. Pure: takes a report, gives plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine_app.chain.endpoint import EndpointHealth
from engine_app.orders.lifecycle import WaitReason
from engine_app.orders.oversight import UnderWay
from engine_app.readiness import Check, Report, State
from engine_app.storage.heartbeats import Sign
from engine_app.ui.words import sentence

LAGS = 5
"""Slots behind the foremost node from which a node counts as lagging."""

_OVERALL = {
    State.OK: ("All systems work", "good", "Orders are accepted, executed and told live."),
    State.DEGRADED: (
        "Something is not as it should be",
        "warn",
        "Orders are accepted and none is lost, but some may wait until the part below is back.",
    ),
    State.DOWN: (
        "No order can be accepted",
        "bad",
        "The database does not answer. Orders that were placed are safe in it and go on when it is back.",
    ),
}
_STATES = {State.OK: ("Works", "good"), State.DEGRADED: ("Degraded", "warn"), State.DOWN: ("Down", "bad")}
_PARTS = {
    "postgres": ("Database", "Keeps every order"),
    "redis": ("Live updates", "Redis: tells the page and bots, wakes workers"),
    "rpc": ("Solana nodes", "Read the chain and send transactions"),
    "workers": ("Workers", "Execute orders"),
    "orders": ("Order queue", "Orders that are due are attended to"),
}
_STATUSES = ("pending", "routing", "building", "submitted", "confirmed")
_WAITS = {
    WaitReason.LANDING: "to land",
    WaitReason.FINALITY: "to be final",
    WaitReason.EXPIRY: "for proof that nothing can land",
    WaitReason.RETRY: "for the next try",
    WaitReason.NODE: "for a Solana node",
    WaitReason.OPERATOR: "for an operator",
}


@dataclass(frozen=True)
class PartRow:
    """One part of the engine. `latency` is how long it took to answer."""

    name: str
    label: str
    purpose: str
    state_label: str
    tone: str
    latency: str
    detail: str


@dataclass(frozen=True)
class NodeRow:
    """One Solana node; texts are empty where nothing is known yet."""

    name: str
    state_label: str
    tone: str
    slot: str
    behind: str
    latency: str


@dataclass(frozen=True)
class WorkerRow:
    """One worker process."""

    name: str
    state_label: str
    tone: str
    seen: str
    up: str


@dataclass(frozen=True)
class QueueRow:
    """Orders under way that are in one state and wait for one thing."""

    label: str
    orders: str


@dataclass(frozen=True)
class StatusBoard:
    """The whole of the status page; `asked_at` is ISO 8601, empty before the first answer."""

    headline: str = ""
    words: str = ""
    tone: str = ""
    asked_at: str = ""
    parts: list[PartRow] = field(default_factory=list)
    nodes: list[NodeRow] = field(default_factory=list)
    workers: list[WorkerRow] = field(default_factory=list)
    queue: list[QueueRow] = field(default_factory=list)


def status_board(report: Report, asked_at: datetime) -> StatusBoard:
    """All that the status page shows of a report that was asked for at this moment."""
    headline, tone, words = _OVERALL[report.state]
    return StatusBoard(
        headline=headline,
        words=words,
        tone=tone,
        asked_at=asked_at.isoformat(),
        parts=[_part(name, check) for name, check in report.checks.items()],
        nodes=[_node(endpoint) for endpoint in report.endpoints],
        workers=[_worker(sign) for sign in report.workers],
        queue=_queue(report.under_way),
    )


def _part(name: str, check: Check) -> PartRow:
    label, purpose = _PARTS[name]
    state_label, tone = _STATES[check.state]
    return PartRow(name, label, purpose, state_label, tone, milliseconds(check.latency_ms), sentence(check.detail))


def _node(endpoint: EndpointHealth) -> NodeRow:
    if endpoint.wrong is not None:
        state_label, tone = "Wrong chain", "bad"
    elif not endpoint.available:
        state_label, tone = "Not used now", "bad"
    elif endpoint.slots_behind > LAGS:
        state_label, tone = "Lags", "warn"
    else:
        state_label, tone = "In use", "good"
    behind = endpoint.slots_behind
    return NodeRow(
        name=endpoint.name,
        state_label=state_label,
        tone=tone,
        slot=f"{endpoint.slot:,}" if endpoint.slot else "",
        behind="Foremost" if not behind else f"{behind:,} {'slot' if behind == 1 else 'slots'} behind",
        latency="" if endpoint.latency_ms is None else milliseconds(endpoint.latency_ms),
    )


def _worker(sign: Sign) -> WorkerRow:
    label, tone = ("Alive", "good") if sign.alive else ("Silent", "bad")
    return WorkerRow(sign.worker, label, tone, f"{span(sign.seen_seconds)} ago", span(sign.up_seconds))


def _queue(under_way: Sequence[UnderWay]) -> list[QueueRow]:
    rows = []
    for state in sorted(under_way, key=lambda state: (_STATUSES.index(state.status), state.waits_for)):
        label = "Confirmed, not final yet" if state.status == "confirmed" else state.status.capitalize()
        waits = f", waiting {_WAITS[WaitReason(state.waits_for)]}" if state.waits_for else ""
        rows.append(QueueRow(f"{label}{waits}", f"{state.orders:,}"))
    return rows


def milliseconds(value: float) -> str:
    """A latency: `0.8 ms`, `12 ms`, `1,204 ms`."""
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def span(seconds: float) -> str:
    """A stretch of time by its two largest units: `4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
