"""One order's page: live, in full, counted down, cancelled, and nobody else's."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chaos.chain_admin import ChainAdmin
from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_trade import ORDER_MS
from tests.e2e.test_wallet import SOL, arrive
from tests.stopping import stopped
from tests.trading import PASSWORD, Bot, bot

MILLISECONDS = re.compile(r"[\d.]+ (ms|s)")
COUNTED_DOWN = """(before) =>
  Number(document.querySelector("[data-testid=blocks-left]")?.textContent ?? NaN) < before"""
STEPS = ("pending", "routing", "building", "submitted", "confirmed")


@pytest.fixture(scope="module")
def trader(engine: RunningEngine) -> Iterator[Bot]:
    """An account with test funds."""
    with bot(engine.base_url) as account:
        yield account


@pytest.fixture
def reader(new_page: Callable[..., Page], trader: Bot) -> Person:
    """The trader, logged in."""
    person = Person(new_page(), trader.username)
    person.log_in()
    expect(person.see("connection")).to_have_text("Live")
    return person


@pytest.fixture
def admin(engine: RunningEngine) -> Iterator[ChainAdmin]:
    """The chain's admin port; what is done through it ends with the test."""
    admin = ChainAdmin(str(engine.chain.admin_url))
    yield admin
    admin.clear()
    admin.close()


def shown_as(person: Person, status: str) -> Locator:
    """The order's page once the order has this status."""
    return person.page.locator(f'[data-testid=order-page][data-status="{status}"]')


def swap_and_look(person: Person, paid: str) -> None:
    """Press the button and go to the page of the order, once its card has taken the place of the one before."""
    person.see("swap-button").click()
    expect(person.see("progress").get_by_role("heading")).to_contain_text(re.compile(f"^{paid} "))
    person.see("progress-details").click()


def look_at_what_is_not_known(person: Person, trader: Bot, admin: ChainAdmin) -> int:
    """Go to the page of an order whose transaction gets lost, let blocks come until it has counted down, and no more;
    the fault that stalls the chain."""
    person.open("/orders/")
    admin.add("dropped_send", signer=trader.address())
    stalled = admin.add("stalled_slots")
    order = trader.place(amount="0.07")
    person.page.locator(f"[data-order='{order}']").get_by_test_id("order-link").click()
    before = int(person.see("blocks-left").inner_text())
    admin.remove(stalled)
    person.page.wait_for_function(COUNTED_DOWN, arg=before, polling=50)
    return admin.add("stalled_slots")


def test_an_order_that_was_placed_is_shown_in_full(reader: Person) -> None:
    reader.quote("0.5")
    swap_and_look(reader, "0.5 SOL")
    expect(shown_as(reader, "confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(reader.page).to_have_title(re.compile(r"^Confirmed: 0\.5 SOL → [\d.]+ USDC · "))
    expect(reader.see("outcome")).to_contain_text(re.compile(r"Received [\d.]+ USDC"))
    for step in STEPS:
        expect(reader.see(f"step-{step}")).to_have_attribute("data-state", "done")
        expect(reader.see(f"step-{step}")).to_contain_text(MILLISECONDS)
    expect(reader.see("attempt")).to_have_count(1)
    expect(reader.see("attempt-explorer")).to_have_attribute(
        "href", re.compile(r"^https://explorer\.solana\.com/tx/\w+\?cluster=custom&customUrl=http")
    )
    expect(reader.see("leg")).not_to_have_count(0)
    expect(reader.see("offer")).to_have_count(2)
    expect(reader.see("routing")).to_contain_text("less than the best")
    expect(reader.see("difference")).not_to_have_text("–")
    expect(reader.see("executed")).to_contain_text("USDC")
    expect(reader.see("costs")).to_contain_text("Network and priority fee")
    expect(reader.see("outcome")).to_contain_text("Final: nothing can take it back.")
    expect(reader.see("attempt")).to_contain_text("Landed")
    assert reader.see("event").all_inner_texts()[-1].split("\n")[1] == "Final"
    expect(reader.see("facts").locator("time").first).to_have_attribute("title", re.compile("UTC$"))
    shown = reader.see("order-page").inner_text()
    reader.page.reload()
    expect(shown_as(reader, "confirmed")).to_be_visible()
    assert reader.see("order-page").inner_text() == shown


def test_a_split_and_two_hops_are_seen_leg_by_leg(reader: Person, engine: RunningEngine) -> None:
    arrive(engine, reader.address(), 200 * SOL)
    expect(reader.page.get_by_text("200 SOL received")).to_be_visible()
    reader.quote("100")  # So much is split whatever others have left the pools' prices at.
    expect(reader.see("route-leg")).to_have_count(2)
    swap_and_look(reader, "100 SOL")
    expect(shown_as(reader, "confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(reader.see("leg")).to_have_count(2)
    expect(reader.see("routing")).to_contain_text("Raydium")
    expect(reader.see("routing")).to_contain_text("Meteora")
    expect(reader.see("step-routing")).to_contain_text("Raydium + Meteora together pay best")
    expect(reader.see("attempt")).to_contain_text("Raydium + Meteora")
    reader.open("/orders/")
    expect(reader.see("order").first).to_contain_text("Raydium + Meteora")
    reader.open("/")
    reader.choose("out", "USDT")
    reader.choose("in", "BONK")
    reader.quote("4000000")
    expect(reader.see("route-leg")).to_have_count(2)
    expect(reader.see("left-over")).to_contain_text("SOL")
    swap_and_look(reader, "4,000,000 BONK")
    expect(shown_as(reader, "confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(reader.see("leg")).to_have_count(2)
    expect(reader.see("routing")).to_contain_text("SOL")


def test_a_failed_order_tells_what_happened_to_the_money_and_what_to_do(reader: Person, trader: Bot) -> None:
    order = trader.place(amount="5000")
    trader.wait(order)
    reader.page.goto(f"/orders/{order}")
    expect(reader.see("outcome")).to_have_attribute("data-state", "failed")
    expect(reader.see("outcome")).to_contain_text("Nothing was swapped")
    expect(reader.see("outcome")).to_contain_text("What to do:")
    expect(reader.see("attempts")).to_contain_text("Nothing was signed")
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.see("copy-details").click()
    expect(reader.page.get_by_text("Details copied")).to_be_visible()
    copied = reader.page.evaluate("navigator.clipboard.readText()")
    assert order in copied
    assert "INSUFFICIENT_FUNDS" in copied


def test_a_withdrawal_has_a_page_without_a_route(reader: Person, trader: Bot, engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as friend:
        wanted = {"token": "SOL", "amount": "0.05", "address": friend.address(), "password": PASSWORD}
        order = trader.client.post("/api/wallet/withdraw", json=wanted).json()["orderId"]
        reader.page.goto(f"/orders/{order}")
        expect(shown_as(reader, "confirmed")).to_be_visible(timeout=ORDER_MS)
        expect(reader.see("outcome")).to_contain_text("0.05 SOL arrived at")
        expect(reader.see("routing")).to_have_count(0)
        expect(reader.see("facts").get_by_title(friend.address())).to_be_visible()


def test_what_is_not_known_counts_down_in_blocks_and_can_be_cancelled(
    reader: Person, trader: Bot, admin: ChainAdmin
) -> None:
    stalled = look_at_what_is_not_known(reader, trader, admin)
    live = reader.see("attempt").filter(has_text="May still land")
    expect(live).to_have_count(1)
    expect(live.get_by_test_id("life")).to_contain_text("blocks left")
    expect(reader.see("outcome")).to_have_attribute("data-state", "unknown")
    expect(reader.page).to_have_title(re.compile("^Submitted: "))
    reader.see("cancel").click()
    expect(reader.see("cancel")).to_be_disabled()
    expect(reader.page.get_by_text("Nothing more is signed.")).to_be_visible()
    admin.remove(stalled)
    expect(shown_as(reader, "failed")).to_be_visible(timeout=ORDER_MS)
    expect(reader.see("outcome")).to_contain_text("CANCELLED")
    expect(live).to_have_count(0)
    expect(reader.see("attempt").last).to_contain_text("Expired, proven")
    expect(reader.page.get_by_text("Swap cancelled")).to_have_count(1)
    expect(reader.page.get_by_text("Nothing more is signed.")).to_have_count(0)
    expect(reader.see("cancel")).to_have_count(0)


def test_another_accounts_order_is_not_there(reader: Person, engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as other:
        order = other.place()
        reader.page.goto(f"/orders/{order}")
        expect(reader.see("order-missing")).to_be_visible()
        reader.page.goto("/orders/mistyped")
        expect(reader.see("order-missing")).to_be_visible()
        reader.see("order-missing").get_by_role("link").click()
        expect(reader.see("history")).to_be_visible()


def test_the_page_of_another_order_shows_nothing_of_the_one_before(
    reader: Person, trader: Bot, engine: RunningEngine
) -> None:
    first, second = trader.place(amount="0.03"), trader.place(amount="0.04")
    reader.open("/orders/")
    link = "[data-order='{}'] [data-testid=order-link]"
    reader.page.locator(link.format(first)).click()
    expect(reader.see("order-title")).to_contain_text("0.03 SOL")
    reader.page.get_by_role("link", name="All orders").click()
    expect(reader.page.locator(link.format(second))).to_be_visible()
    with stopped(engine.supervisor, "web"):
        reader.page.locator(link.format(second)).click()
        expect(reader.page).to_have_url(re.compile(f"/orders/{second}"))
        expect(reader.page.get_by_role("heading", name="Order", exact=True)).to_be_visible()
        expect(reader.see("order-title")).to_have_count(0)
    expect(reader.see("order-title")).to_contain_text("0.04 SOL")


def test_what_was_told_as_under_way_goes_with_the_process_that_told_it(
    reader: Person, trader: Bot, admin: ChainAdmin, engine: RunningEngine
) -> None:
    look_at_what_is_not_known(reader, trader, admin)
    reader.see("cancel").click()
    cancelling = reader.page.get_by_text("Nothing more is signed.")
    expect(cancelling).to_be_visible()
    pid = engine.supervisor.pid("web")
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    expect(cancelling).to_have_count(0, timeout=ORDER_MS)
    expect(reader.see("cancel")).to_be_disabled()
