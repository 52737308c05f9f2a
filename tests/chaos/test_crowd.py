"""No thread waits: hundreds of orders that go nowhere slow nobody down."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.engine_site import WORKERS, Site
from tests.trading import Bot, bot, moments
from tests.waiting import wait_until

THREADS = 64
STUCK = 500
USERS = 5
SLOT_MS = 400
"""As on mainnet: a dropped transaction may land for a minute."""

SIGNED_SECONDS = 150.0
SLACK_SECONDS = 5.0
"""Somebody who had to wait for a dropped transaction would wait far longer."""


def seconds_to_confirm(trader: Bot) -> float:
    """Median over some orders, one after the other, from placed to confirmed."""
    took = []
    for _ in range(3):
        order = trader.wait(trader.place(amount="0.05"))
        assert order["status"] == "confirmed", order
        took.append((moments(order, "confirmed")[0] - moments(order, "placed")[0]).total_seconds())
    return statistics.median(took)


@pytest.mark.timeout(400)
def test_a_new_order_is_as_fast_among_hundreds_that_are_stuck(page: Callable[[int], Path], tmp_path: Path) -> None:
    with ExitStack() as opened:
        site = Site(tmp_path, page, slot_ms=SLOT_MS)
        opened.callback(site.close)
        site.stop(*WORKERS)
        site.start_worker(WORKERS[0], WORKER_CONCURRENCY=str(THREADS))
        free, *crowd = (opened.enter_context(bot(site.base_url)) for _ in range(1 + USERS))
        alone = seconds_to_confirm(free)
        for trader in crowd:
            site.admin.add("dropped_send", signer=trader.address())
        with ThreadPoolExecutor(8) as pool:
            placed = list(pool.map(lambda number: crowd[number % USERS].place(amount="0.005"), range(STUCK)))
        wait_until(lambda: signed(site, placed), lambda count: count == STUCK, seconds=SIGNED_SECONDS, pause=0.1)
        among_many = seconds_to_confirm(free)
        stuck = unconfirmed(site, placed)
        print(f"\nplaced → confirmed: {alone:.2f} s alone, {among_many:.2f} s beside {stuck} stuck orders")
        assert stuck == STUCK
        assert among_many < alone + SLACK_SECONDS
        site.admin.clear()
        found = site.settled(finalized=True, seconds=150)
        assert (found.lost, found.doubled, found.differences) == ([], [], [])


def signed(site: Site, placed: list[str]) -> int:
    """How many of the orders have a signed try."""
    query = "SELECT count(DISTINCT order_id) FROM attempts WHERE order_id = ANY(%s::uuid[]) AND signature IS NOT NULL"
    return int(str(site.rows(query, placed)[0][0]))


def unconfirmed(site: Site, placed: list[str]) -> int:
    """How many of the orders are still on their way."""
    query = "SELECT count(*) FROM orders WHERE id = ANY(%s::uuid[]) AND status NOT IN ('confirmed', 'failed')"
    return int(str(site.rows(query, placed)[0][0]))
