"""Services that die, forget or stay away while orders are in flight."""

from __future__ import annotations

import os
import time

import httpx
from redis import Redis

from tests.chaos.engine_site import CHAIN, POSTGRES, VALKEY, WEB, Site
from tests.trading import Bot
from tests.waiting import wait_until

ABSENCE_SECONDS = float(os.environ.get("CHAOS_ABSENCE_SECONDS", "6"))


def place_all(traders: list[Bot], *, each: int = 2) -> list[tuple[Bot, str]]:
    """Some orders of everybody."""
    return [(trader, trader.place(amount="0.05")) for trader in traders for _ in range(each)]


def assert_confirmed(placed: list[tuple[Bot, str]]) -> None:
    for trader, order_id in placed:
        order = trader.wait(order_id)
        assert order["status"] == "confirmed", order


def wait_for_database(trader: Bot) -> None:
    """Return once web has noticed that its database is back."""
    wait_until(lambda: trader.client.get("/api/orders/history").is_success)


def test_postgres_restarted(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    with site.without(POSTGRES):
        time.sleep(1)
    wait_for_database(traders[0])
    assert_confirmed([*placed, *place_all(traders[:2])])


def test_postgres_killed(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.kill(POSTGRES)
    site.start(POSTGRES)
    wait_for_database(traders[0])
    assert_confirmed(placed)


def test_valkey_killed_and_restarted(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.kill(VALKEY)
    site.start(VALKEY)
    assert_confirmed([*placed, *place_all(traders[:2])])


def test_valkey_flushed(site: Site, traders: list[Bot]) -> None:
    with Redis.from_url(site.redis_url) as redis:
        placed = place_all(traders, each=1)
        redis.flushall()
        placed += place_all(traders, each=1)
        redis.flushall()
    assert_confirmed([*placed, *place_all(traders[:2])])


def test_valkey_absent(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders, each=1)
    with site.without(VALKEY):
        away = time.monotonic()
        assert_confirmed([*placed, *place_all(traders[:3], each=1)])
        time.sleep(max(0.0, ABSENCE_SECONDS - (time.monotonic() - away)))
        assert_confirmed(place_all(traders[:1], each=1))
    assert_confirmed(place_all(traders[:2]))


def test_the_chain_killed_and_restarted(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.kill(CHAIN)
    time.sleep(1)
    waiting = place_all(traders[:2], each=1)
    site.start(CHAIN)
    assert_confirmed([*placed, *waiting])


def test_web_killed(site: Site, traders: list[Bot]) -> None:
    placed = place_all(traders)
    site.kill(WEB)
    try:
        site.settled(finalized=False)
        rows = site.rows("SELECT status FROM orders WHERE id = ANY(%s::uuid[])", [order_id for _, order_id in placed])
        assert {status for (status,) in rows} == {"confirmed"}
    finally:
        site.start(WEB)
    assert httpx.get(f"{site.base_url}/api/health").status_code == 200
    assert_confirmed([*placed, *place_all(traders[:1])])
