"""Workers that end, die, freeze, come back, or are all away."""

from __future__ import annotations

import time
from uuid import UUID

from engine_app import queue
from engine_app.orders.leases import LEASE
from tests.chaos.engine_site import WORKERS, Site
from tests.chaos.faults.test_services import assert_confirmed, place_all
from tests.trading import Bot

TAKEN_UP_SECONDS = 6.0
SLACK_SECONDS = 20.0


def test_a_worker_asked_to_end(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.stop(WORKERS[0])
    try:
        assert_confirmed([*placed, *place_all(traders[:2])])
    finally:
        site.start(WORKERS[0])


def test_a_worker_killed(site: Site, traders: list[Bot]) -> None:
    """Its orders move again within seconds, in the hands of another."""
    placed, worker, name = held_by_a_worker(site, traders)
    site.kill(worker)
    killed = time.monotonic()
    site.admin.clear()
    try:
        assert_confirmed(placed)
        assert time.monotonic() - killed < TAKEN_UP_SECONDS + SLACK_SECONDS
        assert last_worker(site, placed[0][1]) != name
    finally:
        site.start(worker)


def test_all_workers_killed(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.kill(*WORKERS)
    time.sleep(1)
    site.start(*WORKERS)
    assert_confirmed(placed)


def test_a_worker_frozen_for_longer_than_its_lease(site: Site, traders: list[Bot]) -> None:
    """When it comes back it writes nothing of orders that another has taken over."""
    placed, worker, name = held_by_a_worker(site, traders)
    site.freeze(worker)
    frozen = time.monotonic()
    site.admin.clear()
    try:
        assert_confirmed(placed)
        assert last_worker(site, placed[0][1]) != name
        time.sleep(max(0.0, LEASE.total_seconds() + 1 - (time.monotonic() - frozen)))
    finally:
        site.thaw(worker)
    assert_confirmed(place_all(traders))
    assert last_worker(site, placed[0][1]) != name


def held_by_a_worker(site: Site, traders: list[Bot]) -> tuple[list[tuple[Bot, str]], str, str]:
    """Orders that cannot land yet, the worker that holds the first of them, and its own name for itself."""
    site.admin.add("stalled_slots")
    placed = place_all(traders)
    for trader, order_id in placed:
        trader.wait(order_id, until=("submitted",))
    ((name,),) = site.rows("SELECT lease_owner FROM orders WHERE id = %s", placed[0][1])
    return placed, site.worker_called(str(name)), str(name)


def last_worker(site: Site, order_id: str) -> object:
    """Who wrote the last event of an order before its finality."""
    ((worker,),) = site.rows(
        "SELECT worker FROM order_events WHERE order_id = %s AND name <> 'finalized' ORDER BY seq DESC LIMIT 1",
        order_id,
    )
    return worker


def test_two_workers_given_one_order(site: Site, traders: list[Bot]) -> None:
    broker = queue.broker(site.redis_url)
    with site.admin.fault("latency", milliseconds=100):
        placed = place_all(traders)
        for _ in range(10):
            for _, order_id in placed:
                broker.enqueue(queue.order_message(UUID(order_id)))
        assert_confirmed(placed)
    for trader, order_id in placed:
        tries = trader.order(order_id)["tries"]
        assert [attempt["number"] for attempt in tries] == [1], tries


def test_workers_down_until_orders_expire(site: Site, traders: list[Bot]) -> None:
    with site.admin.fault("dropped_send", signer=traders[1].address()):
        live = traders[1].place(amount="0.05", validForSeconds=5)
        traders[1].wait(live, until=("submitted",))
        site.stop(*WORKERS)
    fresh = traders[0].place(amount="0.05", validForSeconds=5)
    time.sleep(5.5)
    site.start(*WORKERS)
    never_signed, followed = traders[0].wait(fresh), traders[1].wait(live)
    assert (never_signed["status"], never_signed["error"]["code"]) == ("failed", "EXPIRED")
    assert never_signed["tries"] == []
    assert len(followed["tries"]) == 1, "something was signed after the order had expired"
