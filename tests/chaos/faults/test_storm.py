"""Everything at once: users trade while faults of every kind come in a random order.

CHAOS_ORDERS, CHAOS_SEED and CHAOS_SLOT_MS make it longer, repeat it and slow it down: see `make chaos`.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

import pytest

from tests.chaos.engine_site import Site
from tests.chaos.storm.crowd import Crowd, User
from tests.chaos.storm.weather import Weather
from tests.trading import bot

ORDERS = int(os.environ.get("CHAOS_ORDERS", "60"))
PACE = 3.0
"""Orders a second."""

USERS, DOOMED = 6, 1
WITHDRAWALS = 0.15
"""Share of the orders."""

FUNDINGS = 5
SLOTS_TO_FINALITY = 35
DRAIN_SECONDS = 150.0
LEAST_CONFIRMED = 0.9
INCURABLE = "ROLLED_BACK"
"""How an order ends whose confirmed transaction a fork took back together with its blockhash."""


@pytest.fixture
def users(site: Site) -> Iterator[list[User]]:
    """Users whose funds are final."""
    with ExitStack() as opened:
        made = [opened.enter_context(bot(site.base_url)) for _ in range(USERS + DOOMED)]
        for each in made:
            for _ in range(FUNDINGS):
                each.funds()
        funded = site.slot()
        while site.slot() < funded + SLOTS_TO_FINALITY:
            time.sleep(site.chain.slot_ms / 1000)
        chances = [Random(number) for number in range(len(made))]  # noqa: S311 - repeatable on purpose
        yield [
            User(made[number], made[number].address(), chances[number], number < DOOMED, WITHDRAWALS)
            for number in range(len(made))
        ]


@pytest.mark.timeout(1800)
def test_everything_goes_wrong_while_many_trade(site: Site, users: list[User]) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    print(f"\nseed {seed}, slots of {site.chain.slot_ms} ms")
    crowd = Crowd(users, orders=ORDERS, pace=PACE)
    weather = Weather(site, seed, [user.address for user in users if user.doomed])
    began = time.monotonic()
    with ThreadPoolExecutor(len(users)) as trading:
        trades = [trading.submit(crowd.trade, user) for user in users]
        try:
            weather.blow(enough=crowd.has_enough)
        finally:
            crowd.close()
            site.heal()
        for trade in trades:
            trade.result()
    blew = time.monotonic() - began
    found = site.settled(finalized=True, seconds=DRAIN_SECONDS)
    settled = time.monotonic() - began - blew

    placed = [order_id for user in users for order_id in user.placed]
    ended = {
        str(order_id): (str(status), code)
        for order_id, status, code in site.rows(
            "SELECT id, status, error_code FROM orders WHERE user_id IN "
            "(SELECT user_id FROM orders WHERE id = ANY(%s::uuid[]))",
            placed,
        )
    }
    doomed = {order_id for user in users if user.doomed for order_id in user.placed}
    curable = [ended[order_id] for order_id in placed if order_id not in doomed and ended[order_id][1] != INCURABLE]
    confirmed = [end for end in curable if end[0] == "confirmed"]
    for name in (*weather.of_chain, *weather.of_processes):
        print(f"{weather.hits[name]:6}  {name}")
    ends = Counter(str(code or status) for status, code in ended.values())
    print(f"{len(placed)} orders in {blew:.0f} s, settled {settled:.0f} s later: {dict(ends.most_common())}")
    ways = Counter(
        str(kind)
        for (kind,) in site.rows(
            "SELECT CASE WHEN kind = 'transfer' THEN 'withdrawal' ELSE decision ->> 'kind' END FROM orders "
            "WHERE id = ANY(%s::uuid[]) AND status = 'confirmed'",
            placed,
        )
    )
    print(f"confirmed by way: {dict(ways.most_common())}")
    print(f"{len(doomed)} of them doomed; of {len(curable)} hit by nothing incurable {len(confirmed)} confirmed")
    print(f"{sum(user.repeated for user in users)} requests repeated, {found.landed} transactions landed")
    assert weather.missed() == []
    assert set(ways) == {"pool", "split", "two hops", "withdrawal"}
    assert sorted(ended) == sorted(placed), "an order was placed twice or not at all"
    assert (found.lost, found.doubled, found.differences) == ([], [], [])
    assert "failed" in {ended[order_id][0] for order_id in doomed}, "their transactions were to land with an error"
    assert len(confirmed) >= LEAST_CONFIRMED * len(curable)
