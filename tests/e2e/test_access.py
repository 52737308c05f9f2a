"""Every page for everybody: axe finds nothing in dark or light, a phone needs no sideways scrolling, nothing jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from engine_app.ui.places import PLACES
from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_look import OVERFLOW, PHONE
from tests.trading import Bot, bot

WHAT_COUNTS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
MOST_SHIFT = 0.05
"""Cumulative layout shift above which a page jumps."""

WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def trader(engine: RunningEngine) -> Iterator[tuple[Bot, list[str]]]:
    """An account with a confirmed order and a failed one, and the pages of both."""
    with bot(engine.base_url) as account:
        orders = [account.place(amount="0.1"), account.place(amount="5000")]
        for order in orders:
            account.wait(order)
        yield account, [f"/orders/{order}" for order in orders]


def findings(page: Page, *, without: str | None = None) -> list[str]:
    """What axe has against a page, one of its rules left out where a test says why."""
    options = WHAT_COUNTS | ({} if without is None else {"rules": {without: {"enabled": False}}})
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for violation in violations
        for node in violation["nodes"]
    ]


def settle(person: Person) -> None:
    """Wait until nothing on the page is a placeholder any more."""
    expect(person.see("connection")).to_have_text("Live")
    expect(person.page.locator(".skeleton")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    new_page: Callable[..., Page], trader: tuple[Bot, list[str]], scheme: str
) -> None:
    account, orders = trader
    person = Person(new_page(color_scheme=scheme, reduced_motion="reduce"), account.username)
    found: dict[str, list[str]] = {}
    for address in ("/login/", "/create-account/", "/nowhere"):
        person.page.goto(address)
        expect(person.page.locator("main")).to_be_visible()
        found[address] = findings(person.page)
    person.log_in()
    settle(person)
    for address in (*(place.address for place in PLACES), *orders):
        person.page.goto(address)
        settle(person)
        found[address] = findings(person.page)
    person.page.goto("/account")
    settle(person)
    person.see("new-key").click()
    expect(person.see("key-name")).to_be_visible()
    found["the new key's dialog"] = findings(person.page)
    assert {address: told for address, told in found.items() if told} == {}


def test_a_phone_shows_every_page_without_scrolling_sideways(
    new_page: Callable[..., Page], trader: tuple[Bot, list[str]]
) -> None:
    account, orders = trader
    person = Person(new_page(**PHONE), account.username)
    person.log_in()
    settle(person)
    for place in PLACES:
        person.see(f"to-{place.label.lower()}").tap()
        expect(person.see(f"to-{place.label.lower()}")).to_have_attribute("aria-current", "page")
        settle(person)
        assert person.page.evaluate(OVERFLOW) == 0, place.address
    for address in orders:
        person.page.goto(address)
        settle(person)
        assert person.page.evaluate(OVERFLOW) == 0, address


def test_nothing_jumps_while_a_page_fills(new_page: Callable[..., Page], trader: tuple[Bot, list[str]]) -> None:
    account, orders = trader
    person = Person(new_page(), account.username)
    person.log_in()
    settle(person)
    person.page.add_init_script(WATCH_SHIFTS)
    for address in (*(place.address for place in PLACES), *orders):
        person.page.goto(address)
        settle(person)
        assert person.page.evaluate("window.shifted") < MOST_SHIFT, address
