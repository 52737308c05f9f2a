"""The status page and the way to it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from engine_app.embedded.ports import free_port
from tests.chaos.chain_admin import ChainAdmin
from tests.conftest import RunningEngine
from tests.e2e.person import LOGIN, TRADE, Person
from tests.stopping import stopped
from tests.trading import bot

LAG = 100
"""Slots: five seconds at 50 ms, far more than lies between two looks at the nodes."""
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


def test_the_banner_says_which_chain_the_money_is_on(person: Person) -> None:
    person.create_account()
    for path in ("/", "/orders/", "/wallet/", "/account/", "/status/"):
        person.open(path)
        banner = person.page.get_by_role("complementary", name="Solana cluster")
        expect(banner).to_have_text("Local chainTokens here are play money.")
        expect(banner).to_have_attribute("data-tone", "busy")


def test_orders_under_way_are_counted(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.open("/status/")
    with bot(engine.base_url) as account:
        with stopped(engine.supervisor, "worker-1", "worker-2"):
            order = account.place(amount="0.01")
            expect(person.see("queue")).to_contain_text(re.compile(r"Pending\s*1"))
        account.wait(order)
        expect(person.see("queue")).not_to_contain_text("Pending")


def test_a_node_that_falls_behind_is_told_with_its_lag(person: Person, engine: RunningEngine) -> None:
    port, admin = free_port(), ChainAdmin(str(engine.chain.admin_url))
    admin.open_endpoint(port, lag_slots=LAG)
    admin.close()
    person.create_account()
    nodes = f"{engine.chain.rpc_url},http://127.0.0.1:{port}"
    with engine.another_web(SOLANA_RPC_URL=nodes) as other:
        person.open(f"{other}/status/")
        late = person.see("node").filter(has_text="Lags")
        expect(late).to_have_count(1)
        expect(late).to_contain_text(re.compile(r"\d+ slots behind"))
        expect(person.see("node").filter(has_text="Foremost")).to_have_count(1)
        person.page.close()


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
