"""What is typed arrives: over a slow line, and in the field that a person expects to have the focus."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.person import TRADE, Person

SLOW_LINE = """
    const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    Object.defineProperty(WebSocket.prototype, "onmessage", {
      set(act) { set.call(this, (event) => setTimeout(() => act(event), window.lateBy ?? 0)); },
    });
"""
"""What the server says comes `lateBy` milliseconds late."""


def test_what_is_typed_faster_than_a_slow_line_answers_is_not_lost(person: Person) -> None:
    person.page.add_init_script(SLOW_LINE)
    person.create_account()
    person.get_funds()
    person.page.evaluate("window.lateBy = 700")
    # Each key is told by itself, and the echo of the first comes while the fourth is typed.
    person.see("amount").press_sequentially("1.2345", delay=200)
    expect(person.page.locator("#amount[data-typing]")).to_have_count(0)
    expect(person.see("amount")).to_have_value("1.2345")
    expect(person.see("swap-button")).to_be_enabled()
    # What the server fills in counts at once, also where an echo is still awaited.
    person.see("amount").press_sequentially("6")
    person.see("use-half").click()
    expect(person.see("amount")).to_have_value("4.995")
    expect(person.page.locator("#amount[data-typing]")).to_have_count(0)
    person.see("slippage").fill("2")
    person.see("slippage-0.5").click()
    expect(person.see("slippage")).to_have_value("0.5")


def test_a_search_that_is_typed_while_the_list_answers_keeps_every_letter(person: Person) -> None:
    person.page.add_init_script(SLOW_LINE)
    person.create_account()
    person.open("/orders/")
    person.page.evaluate("window.lateBy = 300")
    sought = "5f1c7a8e-0000-4000-8000-000000000001"
    # With pauses in which what was typed so far is sought already, and its echo comes while the rest is typed.
    for part in (sought[:8], sought[8:20], sought[20:]):
        person.see("search").press_sequentially(part, delay=60)
        person.page.wait_for_timeout(280)
    expect(person.page).to_have_url(re.compile(f"search={sought}$"))
    expect(person.see("search")).to_have_value(sought)
    expect(person.see("history-none-found")).to_be_visible()
    person.see("clear").click()
    expect(person.see("search")).to_have_value("")


def test_the_focus_is_where_it_is_typed_also_after_coming_from_another_page(person: Person) -> None:
    person.create_account()
    person.page.evaluate("window.loaded = 'once'")
    person.see("to-orders").click()
    expect(person.see("history-empty")).to_be_visible()
    person.see("to-trade").click()
    expect(person.page).to_have_url(TRADE)
    expect(person.see("amount")).to_be_focused()
    assert person.page.evaluate("window.loaded") == "once"
    keys = person.page.keyboard
    person.see("token-out").click()
    expect(person.see("token-search")).to_be_focused()
    keys.type("usdt", delay=10)
    keys.press("Enter")
    person.has_chosen("out", "USDT")
