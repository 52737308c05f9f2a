"""An operator has paused intake: the page says so."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import expect

from engine_app import operations
from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_trade import ORDER_MS


def pause(engine: RunningEngine, why: str | None) -> None:
    """What the operator's commands do; in a thread, since the browser has this one's event loop."""
    with ThreadPoolExecutor(1) as operator:
        operator.submit(asyncio.run, operations.pause_intake(engine.database_url, why)).result()


def test_the_page_says_that_no_new_orders_are_taken_and_takes_them_again(engine: RunningEngine, person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.quote("0.5")
    pause(engine, "an upgrade")
    try:
        person.see("swap-button").click()
        expect(person.see("swap-notice")).to_contain_text("The operator takes no new orders at the moment.")
    finally:
        pause(engine, None)
    person.see("swap-button").click()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
