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

PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
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
