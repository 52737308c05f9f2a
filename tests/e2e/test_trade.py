"""The way of a newcomer: account, funds, swap, confirmed; and what is said when something is wrong."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

from playwright.sync_api import expect

from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.stopping import stopped
from tests.whale import whale

ORDER_MS = 45_000
"""Ample for three tries with their waits."""


def test_a_newcomer_gets_funds_and_swaps(person: Person) -> None:
    person.create_account()
    expect(person.see("wallet-empty")).to_be_visible()
    expect(person.see("history-empty")).to_be_visible()
    expect(person.see("lesson")).to_be_visible()
    person.get_funds()
    person.quote("1.5")
    expect(person.see("venue-raydium")).to_contain_text("USDC")
    expect(person.see("venue-meteora")).to_contain_text("USDC")
    expect(person.see("quote-best")).to_have_count(1)
    expect(person.see("quote-floor")).to_contain_text("USDC")
    expect(person.page).to_have_title("Trade · Order Engine")
    person.see("swap-button").click()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(person.page).to_have_title(re.compile(r"^Confirmed: 1\.5 SOL → [\d.]+ USDC · Order Engine$"))
    for step in ("pending", "routing", "building", "submitted", "confirmed"):
        expect(person.see(f"step-{step}")).to_have_attribute("data-state", "done")
    expect(person.see("step-routing")).to_contain_text(re.compile(r"USDC per SOL: Raydium [\d.]+ · Meteora [\d.]+"))
    expect(person.see("progress-explorer")).to_have_attribute("href", re.compile(r"^https://explorer\.solana\.com/tx/"))
    row = person.orders("confirmed")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("1.5 SOL")
    expect(row).to_contain_text("USDC")
    expect(person.see("balance-SOL")).to_contain_text("8.4")


def test_the_same_truth_after_a_reload_and_in_a_second_tab(person: Person) -> None:
    person.create_account()
    person.get_funds()
    second = Person(person.page.context.new_page(), person.name)
    second.page.goto("/")
    expect(second.see("connection")).to_have_text("Live")
    expect(second.see("lesson")).to_be_visible()
    person.swap("0.75")
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(second.newest_order("confirmed")).to_be_visible()
    shown = second.orders("confirmed").inner_text()
    second.page.reload()
    expect(second.newest_order("confirmed")).to_be_visible()
    assert second.orders("confirmed").inner_text() == shown
    assert person.orders("confirmed").inner_text() == shown


def test_a_browser_remembers_pair_and_slippage(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.choose("out", "BONK")
    person.see("flip").click()
    person.has_chosen("in", "BONK")
    person.see("slippage-0.5").click()
    expect(person.see("slippage")).to_have_value("0.5")
    pid = engine.supervisor.pid("web")
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    expect(person.see("connection")).to_have_text("Reconnecting")
    expect(person.see("connection")).to_have_text("Live", timeout=ORDER_MS)
    second = Person(person.page.context.new_page(), person.name)
    second.open("/")
    for tab in (person, second):
        tab.has_chosen("in", "BONK")
        tab.has_chosen("out", "SOL")
        expect(tab.see("slippage")).to_have_value("0.5")


def test_a_double_click_places_one_order(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.quote("0.2")
    person.see("swap-button").dblclick()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("order")).to_have_count(1)
    person.page.reload()
    expect(person.orders("confirmed")).to_have_count(1)
    expect(person.see("order")).to_have_count(1)


def test_more_than_the_balance_cannot_be_swapped(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.see("amount").fill("10.5")
    expect(person.see("swap-button")).to_have_text("Not enough SOL")
    expect(person.see("swap-button")).to_be_disabled()


def test_the_balance_counts_as_it_is_when_it_changes(person: Person) -> None:
    person.create_account()
    person.see("amount").fill("6")
    expect(person.see("swap-button")).to_have_text("Not enough SOL")
    person.see("costs").locator("summary").click()
    expect(person.see("cost-rent")).to_have_text("0.00203928 SOL")
    expect(person.see("use-max")).to_be_visible()
    person.see("use-max").click()
    expect(person.see("swap-refusal")).to_have_text("There is no SOL to pay beyond what fees and rents need.")
    expect(person.see("amount")).to_have_value("6")
    person.get_funds()
    expect(person.see("swap-button")).to_have_text("Swap SOL for USDC")
    expect(person.see("swap-button")).to_be_enabled()
    second = Person(person.page.context.new_page(), person.name)
    second.open("/")
    second.swap("5")
    expect(second.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("swap-button")).to_have_text("Not enough SOL")
    expect(person.see("swap-button")).to_be_disabled()


def test_a_balance_that_leaves_nothing_for_fees_fails_with_advice(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.quote("9.99")
    expect(person.see("fees-warning")).to_have_count(0)
    person.quote("10")
    expect(person.see("fees-warning")).to_contain_text("less than 0.01 SOL for fees")
    person.see("swap-button").click()
    expect(person.newest_order("failed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("failure")).to_contain_text("INSUFFICIENT_FUNDS")
    expect(person.see("failure")).to_contain_text("Nothing was swapped")
    expect(person.see("step-building")).to_have_attribute("data-state", "failed")
    expect(person.orders("failed")).to_contain_text("Insufficient funds")
    expect(person.see("balance-SOL")).to_have_text("10")


def test_a_price_that_moved_past_the_slippage_fails_and_spends_nothing(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.get_funds()
    person.see("slippage").fill("0.01")
    with foreign_swaps(engine) as move:
        person.quote("1")
        # The workers wait until the price has moved from what was ordered.
        with stopped(engine.supervisor, "worker-1", "worker-2"):
            person.see("swap-button").click()
            expect(person.newest_order("pending")).to_be_visible()
            move("SOL", "USDC", 100 * 10**9)
            move("SOL", "USDT", 100 * 10**9)  # Nor does the way over another token pay what was ordered.
        expect(person.see("step-routing")).to_contain_text("Trying again")
        expect(person.newest_order("failed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("failure")).to_contain_text(re.compile("PRICE_MOVED|SLIPPAGE"))
    expect(person.orders("failed")).to_have_count(1)
    expect(person.see("balance-SOL")).to_have_text("10")


@contextmanager
def foreign_swaps(engine: RunningEngine) -> Iterator[Callable[[str, str, int], None]]:
    """Somebody else with large funds: moves every pool of a pair with one swap each, and those of SOL and a dollar back
    at the end."""
    stack = AsyncExitStack()
    other = engine.supervisor.call(stack.enter_async_context(whale(engine.chain.rpc_url, sol=2_000)))

    def move(token_in: str, token_out: str, amount_in: int) -> None:
        engine.supervisor.call(other.move(token_in, token_out, amount_in))

    try:
        yield move
        for token in ("USDC", "USDT"):
            move(token, "SOL", 14_800 * 10**6)
    finally:
        engine.supervisor.call(stack.aclose())


def test_an_unusable_amount_or_slippage_is_told_at_the_form(person: Person) -> None:
    person.create_account()
    person.get_funds()
    for amount in ("abc", "-1", "0", "0.0000000001"):
        person.see("amount").fill(amount)
        expect(person.see("swap-notice")).to_be_visible()
        expect(person.see("swap-button")).to_be_disabled()
        person.see("amount").fill("")
        expect(person.see("swap-notice")).to_have_count(0)
    person.see("slippage").fill("60")
    person.see("amount").fill("1")
    expect(person.see("swap-notice")).to_contain_text("Slippage")
    expect(person.see("swap-button")).to_be_disabled()
    person.see("slippage-0.5").click()
    expect(person.see("swap-notice")).to_have_count(0)
    expect(person.see("swap-button")).to_be_enabled()


def test_the_sides_swap_and_shares_of_the_balance_fill_in(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.see("use-max").click()
    expect(person.see("amount")).to_have_value("9.99")
    person.see("use-half").click()
    expect(person.see("amount")).to_have_value("4.995")
    person.see("flip").click()
    expect(person.see("token-in")).to_have_text("USDC")
    expect(person.see("token-out")).to_have_text("SOL")
    person.choose("out", "USDC")
    expect(person.see("token-in")).to_have_text("SOL")
    person.choose("in", "BONK")
    expect(person.see("token-out")).to_have_text("USDC")
    person.see("use-max").click()
    expect(person.see("amount")).to_have_value("75000000")
    expect(person.see("swap-button")).to_have_text("Swap BONK for USDC")
