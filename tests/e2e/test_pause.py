"""An operator has paused intake: the page says so."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import expect

from engine_app import operations
from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_trade import ORDER_MS
from tests.e2e.test_wallet import SOL, arrive


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
        expect(person.see("swap-refusal")).to_contain_text("The operator takes no new orders at the moment.")
        # It is still said when the price was renewed, which it is by itself.
        shown = person.see("refresh-ring").get_attribute("data-ring")
        expect(person.see("refresh-ring")).not_to_have_attribute("data-ring", str(shown))
        expect(person.see("swap-refusal")).to_be_visible()
    finally:
        pause(engine, None)
    person.see("swap-button").click()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("swap-refusal")).to_have_count(0)


def test_a_swap_that_was_confirmed_and_refused_is_told_of_at_the_form(engine: RunningEngine, person: Person) -> None:
    person.create_account()
    arrive(engine, person.address(), 8_010 * SOL)
    expect(person.see("balance-SOL")).to_have_text("8,010")
    person.choose("out", "BONK")
    person.quote("8000")
    person.see("swap-button").click()
    person.see("confirmation").fill("swap")
    expect(person.see("place-despite")).to_be_enabled()
    pause(engine, "an upgrade")
    try:
        person.see("place-despite").click()
        expect(person.see("impact-dialog")).not_to_be_visible()
        expect(person.see("swap-refusal")).to_contain_text("The operator takes no new orders at the moment.")
    finally:
        pause(engine, None)
    expect(person.see("order")).to_have_count(0)
