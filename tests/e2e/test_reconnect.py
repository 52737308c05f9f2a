"""A page that lost its server catches up by itself, and tells each thing once."""

from __future__ import annotations

import os
import signal

from playwright.sync_api import expect

from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_trade import ORDER_MS
from tests.stopping import refusing, stopped

PAID = ("0.11 SOL →", "0.12 SOL →")
WATCH_TOASTS = """
window.toasts = new Set();
window.confirmed = (paid) =>
  [...toasts].filter(({ textContent: text }) => text.includes("Swap confirmed") && text.includes(paid)).length;
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  for (const toast of document.querySelectorAll("[data-sonner-toast]")) toasts.add(toast);
}).observe(document.body, { subtree: true, childList: true }));
"""
"""Keeps every toast there ever was: one that is told twice in turn would not be seen twice at once."""


def test_a_page_catches_up_after_the_web_process_was_killed(person: Person, engine: RunningEngine) -> None:
    person.page.context.add_init_script(WATCH_TOASTS)
    person.create_account()
    person.get_funds()
    history = Person(person.page.context.new_page(), person.name)
    history.open("/orders/")
    expect(history.see("history-empty")).to_be_visible()
    tabs = (person, history)
    with stopped(engine.supervisor, "worker-1", "worker-2"):
        person.swap("0.11")
        for tab in tabs:
            expect(tab.orders("pending")).to_have_count(1)
        pid = engine.supervisor.pid("web")
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        expect(person.see("connection")).to_have_text("Reconnecting")
        for tab in tabs:
            expect(tab.see("connection")).to_have_text("Live", timeout=ORDER_MS)
        elsewhere = Person(person.page.context.new_page(), person.name)
        elsewhere.open("/")
        elsewhere.swap("0.12")
        for tab in tabs:
            expect(tab.orders("pending")).to_have_count(2)
    for tab in tabs:
        expect(tab.orders("confirmed")).to_have_count(2, timeout=ORDER_MS)
        tab.page.wait_for_function("(all) => all.every((paid) => confirmed(paid) > 0)", arg=PAID)
        assert tab.page.evaluate("(all) => all.map((paid) => confirmed(paid))", PAID) == [1, 1]


def test_a_page_says_that_nothing_is_pushed_and_reads_instead(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.get_funds()
    with refusing(engine.redis_url):
        expect(person.see("connection")).to_have_text("Delayed")
        person.swap("0.13")
        expect(person.orders("confirmed")).to_have_count(1, timeout=ORDER_MS)
        expect(person.page.get_by_text("Swap confirmed")).to_have_count(1)
    expect(person.see("connection")).to_have_text("Live")
