from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

import httpx
import pytest

from tests.chaos.engine_site import SECOND_WEB, WEB, WORKERS, Site
from tests.chaos.storm.crowd import Crowd, User
from tests.trading import bot

USERS = 12
PACE = 10.0
"""Orders a second that the users aim at; what they reach is measured."""

LEAST_PACE = 5.0
MOST_FAILED = 0.01
MOST_REPEATED = 0.02
"""Requests that took longer than their sender waits, which a busy machine may cause; none is refused."""

OF_A_RESTART = {"EXPIRED", "NOT_LANDED", "ROLLED_BACK", "SIGNATURE_REFUSED", "INTERNAL"}
"""How an order would end that a restart had dropped, or left to others too late."""

FUNDINGS = 3
WITHDRAWALS = 0.05
"""Share of the orders."""

PAUSE_SECONDS = 1.0
"""Between one restart and the next, as a deployment looks whether what it started is well."""


class Either(httpx.BaseTransport):
    """What a load balancer does: a request that one server does not take goes to the next.

    Only requests that may be repeated are sent while servers go; an order carries its Idempotency-Key.
    """

    def __init__(self, origins: list[str], first: int) -> None:
        self._origins = [httpx.URL(origin) for origin in origins[first:] + origins[:first]]
        self._transport = httpx.HTTPTransport()
        self.passed_on = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for origin in self._origins[:-1]:
            try:
                return self._at(origin, request)
            except httpx.TransportError:
                self.passed_on += 1
        return self._at(self._origins[-1], request)

    def _at(self, origin: httpx.URL, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=origin.host, port=origin.port)
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


@pytest.fixture
def balancers(site: Site) -> Iterator[list[Either]]:
    """The users' ways to the two web servers, half of them to each at first."""
    with site.second_web() as second:
        yield [Either([site.base_url, second], number % 2) for number in range(USERS)]


@pytest.fixture
def users(site: Site, balancers: list[Either]) -> Iterator[list[User]]:
    """Users with funds."""
    with ExitStack() as opened:
        made = [opened.enter_context(bot(site.base_url, transport=balancer)) for balancer in balancers]
        for each in made:
            for _ in range(FUNDINGS - 1):
                each.funds()
        yield [
            User(each, each.address(), Random(number), doomed=False, withdraws=WITHDRAWALS)  # noqa: S311
            for number, each in enumerate(made)
        ]


@pytest.mark.timeout(600)
def test_everything_is_replaced_one_by_one_and_nobody_notices(
    site: Site, users: list[User], balancers: list[Either]
) -> None:
    crowd = Crowd(users, orders=0, pace=PACE)
    with ThreadPoolExecutor(len(users)) as trading:
        trades = [trading.submit(crowd.trade, user) for user in users]
        try:
            time.sleep(PAUSE_SECONDS)
            began, before = time.monotonic(), crowd.placed
            for name in (*WORKERS, WEB, SECOND_WEB):
                site.stop(name)
                site.start(name)
                time.sleep(PAUSE_SECONDS)
            seconds, placed = time.monotonic() - began, crowd.placed - before
        finally:
            crowd.close()
        for trade in trades:
            trade.result()
    print(f"\n{placed} orders in {seconds:.1f} s, {sum(each.passed_on for each in balancers)} passed on")
    assert placed / seconds >= LEAST_PACE
    assert sum(user.repeated for user in users) <= MOST_REPEATED * placed
    ended = [user.bot.wait(order_id, seconds=120.0) for user in users for order_id in user.placed]
    failed = [order["error"] for order in ended if order["status"] == "failed"]
    print(f"{len(ended)} orders, {len(failed)} failed: {failed}")
    assert not {error["code"] for error in failed} & OF_A_RESTART, failed
    assert len(failed) <= MOST_FAILED * len(ended)
