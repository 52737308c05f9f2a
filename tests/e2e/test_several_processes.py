"""Several web processes behind one port: any of them serves any page, and one that is killed takes nobody along."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.deployed import WORKER, Deployed
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.person import TRADE, Person
from tests.e2e.test_trade import ORDER_MS
from tests.stopping import stopped
from tests.waiting import wait_until

LEAST_TABS, MOST_TABS = 3, 16


@pytest.fixture
def context(browser: Browser, deployed: Deployed) -> Iterator[BrowserContext]:
    """A browser of somebody's own."""
    context = browser.new_context(base_url=deployed.base_url, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def test_every_process_shows_what_happens_and_one_that_is_killed_logs_nobody_out(
    context: BrowserContext, deployed: Deployed
) -> None:
    person = Person(context.new_page(), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    person.get_funds()
    tabs = [person, *_tabs_in_every_process(context, deployed, person, "/")]
    person.swap("0.5")
    for tab in tabs:
        expect(tab.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)

    killed = deployed.web_processes()[0]
    killed.kill()
    wait_until(lambda: killed.pid not in _sockets(deployed) and len(_sockets(deployed)) == 2)
    for tab in tabs:
        expect(tab.see("connection")).to_have_text("Live", timeout=ORDER_MS)
        expect(tab.page).to_have_url(TRADE)
    person.open("/")  # Its socket may have been the killed process's: what is typed into that is lost.
    person.swap("0.25")
    for tab in tabs:
        expect(tab.orders("confirmed")).to_have_count(2, timeout=ORDER_MS)


def test_the_history_and_an_orders_page_are_live_and_the_same_in_every_process(
    context: BrowserContext, deployed: Deployed
) -> None:
    person = Person(context.new_page(), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    person.get_funds()
    histories = _tabs_in_every_process(context, deployed, person, "/orders/")
    with stopped(deployed.supervisor, WORKER):
        person.swap("0.5")
        for tab in histories:
            expect(tab.orders("pending")).to_have_count(1)
        order = str(histories[0].see("order-link").get_attribute("href"))
        pages = _tabs_in_every_process(context, deployed, person, order)
        for tab in pages:
            expect(tab.see("order-status")).to_have_text("Pending")
    for tab in histories:
        expect(tab.orders("confirmed")).to_have_count(1, timeout=ORDER_MS)
    for tab in pages:
        expect(tab.see("order-status")).to_have_text("Confirmed", timeout=ORDER_MS)
        expect(tab.page.get_by_text("Final: nothing can take it back.")).to_be_visible(timeout=ORDER_MS)
    wait_until(lambda: len({tab.see("history").inner_text() for tab in histories}) == 1)
    wait_until(lambda: len({tab.page.locator("main").inner_text() for tab in pages}) == 1)


def _tabs_in_every_process(context: BrowserContext, deployed: Deployed, person: Person, address: str) -> list[Person]:
    """New tabs of a page, so many that each web process has got one more connection at least."""
    before, tabs = _sockets(deployed), list[Person]()
    while len(tabs) < LEAST_TABS or any(count <= before.get(pid, 0) for pid, count in _sockets(deployed).items()):
        assert len(tabs) < MOST_TABS, (before, _sockets(deployed))
        tab = Person(context.new_page(), person.name)
        tab.open(address)
        tabs.append(tab)
        # Some may have been of requests that are over.
        before = {pid: min(count, before.get(pid, 0)) for pid, count in _sockets(deployed).items()}
    return tabs


def _sockets(deployed: Deployed) -> dict[int, int]:
    """How many connections each web process has to browsers, by process id."""
    port = int(deployed.base_url.rpartition(":")[2])
    counts = {}
    for process in deployed.web_processes():
        try:
            open_now = [at for at in process.net_connections("tcp4") if at.status == psutil.CONN_ESTABLISHED]
        except psutil.Error:
            continue
        counts[process.pid] = sum(at.laddr.port == port for at in open_now)
    return counts
