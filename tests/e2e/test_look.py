"""The page on a phone, in dark and in light, and from one export on two ports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from engine_app.embedded import processes
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.ports import free_port
from tests.conftest import ENGINE_SETTINGS, JWT_SECRET, RunningEngine, plain_environment
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
    other = {"light": "dark", "dark": "light"}[scheme]
    person = Person(new_page(color_scheme=scheme), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    html = person.page.locator("html")
    expect(html).to_have_class(scheme)
    before = person.page.evaluate(GROUND)
    person.see("account").click()
    person.see(f"mode-{other}").click()
    expect(html).to_have_class(other)
    assert person.page.evaluate(GROUND) != before
    person.page.reload()
    expect(html).to_have_class(other)


def test_one_export_serves_two_ports(
    new_page: Callable[..., Page], engine: RunningEngine, page: Callable[[int], Path]
) -> None:
    port = free_port()
    first, second = page(int(engine.base_url.rpartition(":")[2])), page(port)
    assert first.name.partition("-")[0] == second.name.partition("-")[0]
    assert first != second
    endpoints = Endpoints(engine.database_url, engine.redis_url, engine.chain.rpc_url, engine.chain.ws_url)
    base = plain_environment() | ENGINE_SETTINGS | endpoints.environment()
    base |= {"JWT_SECRET": JWT_SECRET, "HOST": "127.0.0.1", "PORT": str(port)}
    web = processes.web(base, second, "127.0.0.1", port, name="web-on-another-port")
    engine.supervisor.start(web)
    person = Person(new_page(), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    elsewhere = Person(new_page(), person.name)
    elsewhere.page.goto(f"http://localhost:{port}/login/")
    elsewhere.fill_in()
    expect(elsewhere.see("connection")).to_have_text("Live")
    expect(elsewhere.see("address")).to_have_text(person.see("address").inner_text())
