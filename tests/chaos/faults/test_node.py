"""What a node or its network does wrong: each costs time at most, never a try, never a second execution."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chaos.engine_site import Site
from tests.trading import Bot
from tests.waiting import wait_until

OUTAGE_SECONDS = float(os.environ.get("CHAOS_OUTAGE_SECONDS", "8"))
METHODS = ("getMultipleAccounts", "simulateTransaction", "sendTransaction", "getTransaction")


def place(trader: Bot) -> str:
    """A small order."""
    return trader.place(amount="0.1")


def confirmed_at_first_try(trader: Bot, order_id: str) -> None:
    order = trader.wait(order_id)
    assert (order["status"], order["attempts"]) == ("confirmed", 1), order


def trade_until_met(site: Site, trader: Bot, kind: str, **spec: Any) -> None:
    """Which endpoint is asked is the engine's choice: it trades until it has met the one with the fault."""
    fault = site.admin.add(kind, **spec)
    confirmed_at_first_try(trader, place(trader))
    while not site.admin.hits_of(fault):
        confirmed_at_first_try(trader, place(trader))
    site.admin.remove(fault)


@pytest.mark.parametrize(("status", "retry_after"), [(429, 1), (503, None)])
def test_methods_that_are_refused_for_a_while(site: Site, trader: Bot, status: int, retry_after: int | None) -> None:
    for method in METHODS:
        with site.admin.fault("http_status", methods=[method], status=status, retry_after=retry_after, limit=4):
            confirmed_at_first_try(trader, place(trader))


def test_statuses_that_are_refused_for_a_while(site: Site, trader: Bot) -> None:
    refused = {"methods": ["getSignatureStatuses"], "status": 503, "limit": 6}
    with site.admin.fault("silent"), site.admin.fault("http_status", **refused):
        confirmed_at_first_try(trader, place(trader))


def test_answers_that_take_their_time(site: Site, trader: Bot) -> None:
    with site.admin.fault("latency", milliseconds=400):
        confirmed_at_first_try(trader, place(trader))


def test_an_endpoint_that_lags(site: Site, trader: Bot) -> None:
    for port in (site.chain.port, site.second_port):
        trade_until_met(site, trader, "stale", endpoint=port, slots=60)


def test_websockets_that_say_nothing(site: Site, trader: Bot) -> None:
    with site.admin.fault("silent"):
        confirmed_at_first_try(trader, place(trader))


def test_one_endpoint_down(site: Site, trader: Bot) -> None:
    for port in (site.chain.port, site.second_port):
        trade_until_met(site, trader, "down", endpoint=port)


def test_all_endpoints_down(site: Site, trader: Bot) -> None:
    dropped = site.admin.add("dropped_send", signer=trader.address())
    before = place(trader)
    trader.wait(before, until=("submitted",))
    wait_until(lambda: site.admin.hits_of(dropped))
    down = site.admin.add("down")
    site.admin.remove(dropped)
    during = place(trader)
    time.sleep(OUTAGE_SECONDS)
    assert trader.order(before)["status"] == "submitted"
    waiting = trader.order(during)
    assert (waiting["status"], waiting["waitingFor"]["reason"]) == ("routing", "node")
    site.admin.remove(down)
    orders = [trader.wait(order_id) for order_id in (before, during)]
    assert [order["status"] for order in orders] == ["confirmed", "confirmed"]
    assert orders[1]["attempts"] == 1
    told = [event["name"] for event in orders[1]["events"]]
    assert told.count("waiting") <= 2, f"said again and again: {told}"


def test_a_status_that_the_preferred_endpoint_hides(site: Site, trader: Bot) -> None:
    trade_until_met(site, trader, "hidden_status", endpoint=site.chain.port, signer=trader.address())


def test_a_status_that_all_endpoints_hide_for_a_while(site: Site, trader: Bot) -> None:
    with site.admin.fault("hidden_status", signer=trader.address()):
        order_id = place(trader)
        trader.wait(order_id, until=("submitted",))
        time.sleep(2)
        assert trader.order(order_id)["waitingFor"]["reason"] == "landing"
    confirmed_at_first_try(trader, order_id)


def test_slots_that_stall(site: Site, trader: Bot) -> None:
    with site.admin.fault("stalled_slots"):
        orders = [place(trader) for _ in range(3)]
        for order_id in orders:
            trader.wait(order_id, until=("submitted",))
        time.sleep(3)
        assert {trader.order(order_id)["status"] for order_id in orders} == {"submitted"}
    for order_id in orders:
        confirmed_at_first_try(trader, order_id)


def test_two_endpoints_that_disagree_while_many_trade(site: Site, traders: list[Bot]) -> None:
    with (
        site.admin.fault("stale", endpoint=site.second_port, slots=20),
        site.admin.fault("http_status", endpoint=site.chain.port, status=503, probability=0.3),
        ThreadPoolExecutor(4) as pool,
    ):
        placed = list(pool.map(lambda trader: [trader.place(amount="0.1") for _ in range(5)], traders))
        for trader, order_ids in zip(traders, placed, strict=True):
            for order_id in order_ids:
                assert trader.wait(order_id)["status"] == "confirmed"
