"""The page on a phone, in dark and in light, and from one export on two ports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_wallet import SOL, arrive
from tests.trading import bot
from tests.waiting import wait_until

PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUT_OF_PLACE = """() => {
  const seen = [...document.querySelectorAll("main .card *")]
    .filter((one) => one.getClientRects().length && !one.matches("thead, .visually-hidden"));
  const within = (one, box) => {
    const { right } = box.getBoundingClientRect();
    const inner = one.closest(".table-wrap") ? 0 : parseFloat(getComputedStyle(box).paddingRight);
    return one.getBoundingClientRect().right <= right - inner + 0.5;
  };
  const scrolls = (one) => getComputedStyle(one).overflowX === "auto";
  const hanging = seen.filter((one) => !seen.some((box) => scrolls(box) && box.contains(one) && box !== one))
    .filter((one) => !within(one, one.closest(".card")));
  const cut = seen.filter((one) => getComputedStyle(one).overflowX === "hidden" && one.scrollWidth > one.clientWidth);
  const overlapping = [...document.querySelectorAll("tr[data-testid=order]")].filter((row) => {
    const [paid, received] = [".cell-paid", ".cell-received"].map((cell) => {
      const text = document.createRange();
      text.selectNodeContents(row.querySelector(cell));
      return text.getBoundingClientRect();
    });
    return paid.right > received.left && paid.bottom > received.top;
  });
  return [...hanging, ...cut, ...overlapping].map((one) => `${one.outerHTML.slice(0, 99)}: ${one.textContent}`);
}"""
"""What hangs out of its card or is cut off, and orders whose amounts overlap."""
GROUND = "getComputedStyle(document.querySelector('.card')).backgroundColor"


def test_a_phone_shows_all_without_scrolling_sideways(new_page: Callable[..., Page]) -> None:
    person = Person(new_page(**PHONE), f"ada-{uuid4().hex[:10]}")
    person.page.goto("/login/")
    assert person.page.evaluate(OVERFLOW) == 0
    person.create_account()
    person.get_funds()
    person.swap("1.23456789")
    expect(person.newest_order("confirmed")).to_be_visible(timeout=45_000)
    person.see("account").click()
    expect(person.see("log-out")).to_be_visible()
    assert person.page.evaluate(OVERFLOW) == 0


def in_place(person: Person) -> None:
    """Nothing hangs out, nothing is cut, no amount lies over another."""
    assert person.page.evaluate(OUT_OF_PLACE) == []
    assert person.page.evaluate(OVERFLOW) == 0


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_large_amounts_stay_in_their_places(new_page: Callable[..., Page], engine: RunningEngine, width: int) -> None:
    """Amounts of many digits, bought and sold, on the pages of trade and orders."""
    with bot(engine.base_url) as account:
        arrive(engine, account.address(), 8_000 * SOL)
        wait_until(account.balances, lambda balances: balances["SOL"] > 8_000 * SOL)
        bought = account.wait(account.place("SOL", "BONK", "400"))
        account.wait(account.place("BONK", "SOL", bought["amountOut"]))
        phone = PHONE if width < 1280 else {}
        person = Person(new_page(**phone | {"viewport": {"width": width, "height": 800}}), account.username)
        person.log_in()
        expect(person.see("order")).to_have_count(2)
        person.choose("out", "BONK")
        for amount in ("0.1", "1.5", "100", "7000"):
            person.quote(amount)
            in_place(person)
        person.see("amount").fill("1234567.123456789")
        expect(person.see("swap-button")).to_have_text("Not enough SOL")
        in_place(person)
        person.open("/orders/")
        person.see("choose-since").select_option("dates")
        expect(person.see("placed-to")).to_be_visible()
        expect(person.see("order")).to_have_count(2)
        in_place(person)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_system_until_it_is_told_otherwise(new_page: Callable[..., Page], scheme: str) -> None:
    other: Literal["light", "dark"] = "dark" if scheme == "light" else "light"
    person = Person(new_page(color_scheme=scheme), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    html = person.page.locator("html")
    expect(html).to_have_class(scheme)
    before = person.page.evaluate(GROUND)
    person.see("account").click()
    person.see(f"mode-{other}").click()
    expect(html).to_have_class(other)
    assert person.page.evaluate(GROUND) != before
    person.open("/")
    expect(html).to_have_class(other)
    person.see("account").click()
    person.see("mode-system").click()
    expect(html).to_have_class(scheme)
    expect(person.see("mode-system")).to_have_attribute("aria-pressed", "true")
    person.page.emulate_media(color_scheme=other)
    expect(html).to_have_class(other)


def test_one_export_serves_two_ports(
    new_page: Callable[..., Page], engine: RunningEngine, page: Callable[[int], Path]
) -> None:
    person = Person(new_page(), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    with engine.another_web() as other:
        first, second = (page(int(origin.rpartition(":")[2])) for origin in (engine.base_url, other))
        assert first.name.partition("-")[0] == second.name.partition("-")[0]
        assert first != second
        elsewhere = Person(new_page(), person.name)
        elsewhere.page.goto(f"{other}/login/")
        elsewhere.fill_in()
        expect(elsewhere.see("connection")).to_have_text("Live")
        assert elsewhere.address() == person.address()
        elsewhere.page.close()
