"""The status page and the way to it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.person import LOGIN, TRADE, Person

STATUS = re.compile(r"/status/?$")


def test_the_status_page_tells_how_every_part_does(person: Person) -> None:
    person.create_account()
    person.see("to-status").click()
    expect(person.page).to_have_url(STATUS)
    expect(person.page).to_have_title(re.compile("^Status"))
    expect(person.see("to-status")).to_have_attribute("aria-current", "page")
    expect(person.see("overall")).to_contain_text("All systems work")
    for part in ("postgres", "redis", "rpc", "workers", "orders"):
        expect(person.see(f"part-{part}")).to_contain_text(re.compile(r"[\d,.]+ ms"))
        expect(person.see(f"part-{part}")).to_contain_text("Works")
    expect(person.see("node")).to_contain_text(re.compile(r"slot [\d,]+"))
    expect(person.see("worker").first).to_contain_text("Alive")
    read = person.page.locator("time").first
    before = read.get_attribute("datetime")
    expect(read).not_to_have_attribute("datetime", before or "")
    expect(read).to_have_attribute("title", re.compile(r"UTC$"))
    person.page.go_back()
    expect(person.page).to_have_url(TRADE)


def test_a_stranger_is_sent_to_log_in(person: Person) -> None:
    person.page.goto("/status")
    expect(person.page).to_have_url(LOGIN)


def test_the_keyboard_skips_to_the_content_and_walks_the_ways(person: Person) -> None:
    person.create_account()
    person.page.goto("/status/")
    expect(person.see("connection")).to_have_text("Live")
    person.page.keyboard.press("Tab")
    expect(person.page.get_by_text("Skip to content")).to_be_focused()
    person.page.keyboard.press("Enter")
    expect(person.page.locator("main")).to_be_focused()
    person.see("to-trade").focus()
    person.page.keyboard.press("Enter")
    expect(person.page).to_have_url(TRADE)
    expect(person.see("amount")).to_be_visible()
