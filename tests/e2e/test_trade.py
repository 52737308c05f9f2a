"""The way of a newcomer: account, funds, swap, confirmed; and what is said when something is wrong."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.person import Person

ORDER_MS = 45_000
"""Ample for three tries with their waits."""


def test_a_newcomer_gets_funds_and_swaps(person: Person) -> None:
    person.create_account()
    expect(person.see("wallet-empty")).to_be_visible()
    expect(person.see("history-empty")).to_be_visible()
    person.get_funds()
    person.quote("1.5")
    expect(person.see("venue-raydium")).to_contain_text("USDC")
    expect(person.see("venue-meteora")).to_contain_text("USDC")
    expect(person.see("quote-best")).to_have_count(1)
    expect(person.see("quote-floor")).to_contain_text("USDC")
    person.see("swap-button").click()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    for step in ("pending", "routing", "building", "submitted", "confirmed"):
        expect(person.see(f"step-{step}")).to_have_attribute("data-state", "done")
    expect(person.see("progress-explorer")).to_have_attribute("href", re.compile(r"^https://explorer\.solana\.com/tx/"))
    row = person.orders("confirmed")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("1.5 SOL")
    expect(row).to_contain_text("USDC")
