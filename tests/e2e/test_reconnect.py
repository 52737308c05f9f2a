"""A page that lost its server catches up by itself, and tells each thing once."""

from __future__ import annotations

import os
import signal

from playwright.sync_api import expect

from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_trade import ORDER_MS


def test_a_page_catches_up_after_the_web_process_was_killed(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.get_funds()
    history = Person(person.page.context.new_page(), person.name)
    history.page.goto("/orders/")
    expect(history.see("history-empty")).to_be_visible()
    person.swap("0.11")
    expect(history.see("order")).to_have_count(1)
    pid = engine.supervisor.pid("web")
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    expect(person.see("connection")).to_have_text("Reconnecting")
    for tab in (person, history):
        expect(tab.see("connection")).to_have_text("Live", timeout=ORDER_MS)
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(history.orders("confirmed")).to_have_count(1)
    person.swap("0.12")
    expect(history.orders("confirmed")).to_have_count(2, timeout=ORDER_MS)
    for tab in (person, history):
        expect(tab.page.get_by_text("Swap confirmed")).to_have_count(1)
