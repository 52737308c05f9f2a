"""What web and workers tell of themselves, on one port for all of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import RunningEngine
from tests.trading import bot
from tests.waiting import wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(engine: RunningEngine) -> Samples:
    """Every sample by its name and labels."""
    answer = httpx.get(engine.metrics_url)
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of a metric that have these labels."""
    return sum(
        value for (found, has), value in samples.items() if found == name and labels.items() <= dict(has).items()
    )


def until(engine: RunningEngine, holds: Callable[[Samples], bool], seconds: float = 30.0) -> Samples:
    """The samples once they are as they should be; fails where that takes longer."""
    return wait_until(lambda: scrape(engine), holds, seconds=seconds, pause=0.2)


def test_an_order_leaves_its_traces_in_every_metric(engine: RunningEngine) -> None:
    before = scrape(engine)
    with bot(engine.base_url) as trader:
        order = trader.wait(trader.place(amount="0.1"))
        refused = trader.wait(trader.place(amount="11"))
        assert (order["status"], refused["error"]["code"]) == ("confirmed", "INSUFFICIENT_FUNDS")

        def more(samples: Samples, name: str, **labels: str) -> float:
            return of(samples, name, **labels) - of(before, name, **labels)

        # The worker counts what it has committed, and a scrape may come between the two.
        states = ("confirmed", "failed", "finalized")
        after = until(engine, lambda now: all(more(now, "engine_orders_total", state=state) >= 1 for state in states))
    assert more(after, "engine_orders_total", state="placed", kind="swap") == 2
    assert more(after, "engine_orders_total", state="confirmed") == 1
    assert more(after, "engine_orders_total", state="failed", reason="INSUFFICIENT_FUNDS") == 1
    assert more(after, "engine_attempts_total", verdict="landed") >= 1  # an earlier test's order may be finalized too
    assert more(after, "engine_order_confirmed_seconds_count", kind="swap") == 1
    assert more(after, "engine_order_step_seconds_count", state="submitted") == 1
    endpoint = engine.chain.rpc_url
    assert more(after, "engine_rpc_calls_total", method="sendTransaction", endpoint=endpoint, outcome="ok") >= 1
    assert more(after, "engine_rpc_seconds_count", endpoint=endpoint) > 1
    assert more(after, "engine_http_requests_total", method="POST", route="/api/orders/execute", status="202") == 2
    assert of(after, "engine_http_requests_total", route=f"/api/orders/{order['orderId']}") == 0


def test_database_and_chain_are_read_into_gauges(engine: RunningEngine) -> None:
    samples = until(engine, lambda now: of(now, "engine_chain_slot") > 0 and of(now, "engine_address_stock") > 0)
    for role in ("web", "worker"):
        assert of(samples, "engine_ready", role=role) == 1
    assert of(samples, "engine_rpc_endpoint_available", endpoint=engine.chain.rpc_url) == 1
    assert of(samples, "engine_rpc_slots_behind") == 0
    assert of(samples, "engine_intake_paused") == 0
    assert of(samples, "engine_order_overdue_seconds") < 5
    assert of(samples, "engine_queue_wakeups_total", by="timeout") > 0
    assert time.time() - of(samples, "engine_pools_searched_timestamp_seconds") < 300
    states = {dict(labels)["status"] for (name, labels) in samples if name == "engine_orders_under_way"}
    assert states == {"pending", "routing", "building", "submitted", "confirmed"}


def test_the_port_is_taken_over_and_no_count_falls(engine: RunningEngine) -> None:
    """Whoever serves the metrics may die: another process serves on, with what the dead one had counted."""
    before = until(engine, lambda now: of(now, "engine_queue_wakeups_total") > 0)
    name, serving = _serving(engine)
    os.kill(serving, signal.SIGKILL)
    wait_until(lambda: engine.supervisor.pid(name), lambda pid: pid not in (None, serving))

    def served() -> Samples:
        try:
            return scrape(engine)
        except httpx.HTTPError:
            return {}

    after = wait_until(served, pause=0.2)
    for name in ("engine_rpc_calls_total", "engine_queue_wakeups_total", "engine_attempts_total"):
        assert of(after, name) >= of(before, name)


def _serving(engine: RunningEngine) -> tuple[str, int]:
    """The worker that has the port; workers start before web."""
    port = urlsplit(engine.metrics_url).port
    for name in ("worker-1", "worker-2"):
        pid = engine.supervisor.pid(name)
        if pid is not None and any(at.laddr.port == port for at in psutil.Process(pid).net_connections("tcp4")):
            return name, pid
    raise AssertionError(f"no worker listens on port {port}")


@pytest.mark.parametrize("path", ["/metrics", "/api/metrics"])
def test_nothing_is_told_on_the_public_port(engine: RunningEngine, path: str) -> None:
    assert "engine_orders_total" not in httpx.get(engine.base_url + path).text
