"""Counting RPC calls: an order's own, and everything a process asks of each endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

from engine_app.telemetry import metrics

_own_calls: ContextVar[Counter[str] | None] = ContextVar("own_rpc_calls", default=None)


@contextmanager
def count_calls() -> Iterator[Counter[str]]:
    """Count, by JSON-RPC method, the calls that this task and its children make inside the block.

    Calls of the process's background loops (re-sends, polls, subscriptions, health checks) and copies of one call
    to a further endpoint are not an order's own and not in here.
    """
    calls: Counter[str] = Counter()
    token = _own_calls.set(calls)
    try:
        yield calls
    finally:
        _own_calls.reset(token)


@contextmanager
def counted_apart() -> Iterator[None]:
    """Leave the calls of the block out of the surrounding `count_calls`: repeats after a null answer, background
    loops that happen to start inside an order's work."""
    token = _own_calls.set(None)
    try:
        yield
    finally:
        _own_calls.reset(token)


def count_call(method: str, times: int = 1) -> None:
    """Note a call in the surrounding `count_calls`, if any; also for a call that several orders share."""
    calls = _own_calls.get()
    if calls is not None:
        calls[method] += times


class Outcome(StrEnum):
    """How a call to one endpoint ended."""

    OK = "ok"
    REFUSED = "refused"
    """The node answered with a JSON-RPC error."""
    LIMITED = "limited"
    """429."""
    UNAVAILABLE = "unavailable"
    """No connection, no answer in time, 5xx, an unwell or lagging node."""


class CallTotals:
    """All calls of this process by method, endpoint and outcome, since its start."""

    def __init__(self) -> None:
        self._totals: Counter[tuple[str, str, Outcome]] = Counter()

    def add(self, method: str, endpoint: str, outcome: Outcome) -> None:
        """Note one call."""
        self._totals[method, endpoint, outcome] += 1
        metrics.RPC_CALLS.labels(method, endpoint, outcome.value).inc()

    def snapshot(self) -> Mapping[tuple[str, str, Outcome], int]:
        """(method, endpoint's name, outcome) → calls."""
        return dict(self._totals)

    def of(self, method: str) -> int:
        """Calls of one method to all endpoints, whatever came of them."""
        return sum(count for (name, _, _), count in self._totals.items() if name == method)
