"""The wallet page: funds come in and are seen at once, and go out to whom the password says."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from tests.conftest import RunningEngine
from tests.e2e.person import PASSWORD, Person
from tests.e2e.test_trade import ORDER_MS

SOL = 10**9


def arrive(engine: RunningEngine, address: str, lamports: int) -> None:
    """Somebody else sends SOL."""

    async def send() -> None:
        rpc = Rpc([engine.chain.rpc_url], CLUSTERS["localnet"])
        await rpc.start()
        await rpc.airdrop(Pubkey.from_string(address), lamports)
        await rpc.close()

    engine.supervisor.call(send())


def test_what_others_send_is_told_and_listed(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.see("open-wallet").click()
    expect(person.see("wallet-empty")).to_contain_text("Test funds are play money")
    expect(person.see("activity-empty")).to_be_visible()
    expect(person.see("qr").locator("path")).to_have_attribute("d", re.compile("^M[0-9 Mhvz-]+$"))
    address = person.see("full-address").inner_text()
    arrive(engine, address, 2 * SOL)
    expect(person.page.get_by_text("2 SOL received")).to_be_visible()
    expect(person.see("balance-SOL")).to_have_text("2")
    row = person.see("activity-row")
    expect(row).to_contain_text("Received 2 SOL")
    expect(row.get_by_role("link")).to_have_attribute("href", re.compile(r"^https://explorer\.solana\.com/tx/"))


def test_a_withdrawal_asks_for_the_password_and_arrives(person: Person) -> None:
    person.create_account()
    person.open("/wallet/")
    person.see("deposit").get_by_test_id("get-funds").click()
    expect(person.see("balance-USDC")).to_be_visible(timeout=30_000)
    to = str(Keypair().pubkey())
    person.see("withdraw-token").select_option("USDC")
    person.see("withdraw-amount").fill("12.5")
    person.see("withdraw-to").fill(to)
    person.see("withdraw-password").fill("not the password")
    person.see("withdraw").click()
    expect(person.see("withdraw-refusal")).to_be_visible()
    expect(person.see("withdraw-to")).to_have_value(to)
    person.type_anew("withdraw-password", PASSWORD)
    person.see("withdraw").click()
    expect(person.page.get_by_text("Withdrawal confirmed")).to_be_visible(timeout=ORDER_MS)
    expect(person.see("balance-USDC")).to_have_text("1,487.5")
    sent = person.page.locator("[data-testid=activity-row][data-kind=transfer]")
    expect(sent).to_contain_text("Sent 12.5 USDC")
    expect(sent).to_contain_text("Confirmed")
    expect(person.see("withdraw-amount")).to_have_value("")


def test_a_double_click_withdraws_once(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.open("/wallet/")
    person.see("withdraw-amount").fill("0.5")
    person.see("withdraw-to").fill(str(Keypair().pubkey()))
    person.see("withdraw-password").fill(PASSWORD)
    person.see("withdraw").dblclick()
    expect(person.page.get_by_text("Withdrawal confirmed")).to_have_count(1, timeout=ORDER_MS)
    expect(person.page.get_by_text("Withdrawal accepted")).to_have_count(0)
    person.see("withdraw-all").click()
    expect(person.see("withdraw-amount")).to_have_value("max")
    expect(person.see("everything")).to_have_text(re.compile(r"^Sends 9\.4\d+ SOL and leaves the fee\.$"))
    person.open("/wallet/")
    expect(person.page.locator("[data-testid=activity-row][data-kind=transfer]")).to_have_count(1)


def test_the_form_goes_on_with_what_is_left_once_a_token_is_sent_completely(person: Person) -> None:
    person.create_account()
    person.get_funds()
    person.open("/wallet/")
    to = str(Keypair().pubkey())
    person.see("withdraw-token").select_option("USDC")
    person.see("withdraw-all").click()
    expect(person.see("everything")).to_have_text("Sends 1,500 USDC.")
    person.see("withdraw-to").fill(to)
    person.see("withdraw-password").fill(PASSWORD)
    person.see("withdraw").click()
    expect(person.see("balance-USDC")).to_have_count(0, timeout=ORDER_MS)
    expect(person.see("withdraw-token")).to_have_value("SOL")
    for amount, words in (
        ("999999", "Not enough SOL"),
        ("1e0", "exponent"),
        ("1,5", "Write it as 1.5"),
        ("", "Enter an"),
    ):
        person.see("withdraw-amount").fill(amount)
        person.see("withdraw-to").fill(to)
        person.type_anew("withdraw-password", PASSWORD)
        person.see("withdraw").click()
        expect(person.see("withdraw-refusal")).to_contain_text(words)
    person.see("withdraw-amount").fill("0.\u202f5")
    person.type_anew("withdraw-password", PASSWORD)
    person.see("withdraw").click()
    expect(person.see("activity-row").filter(has_text="Sent 0.5 SOL")).to_be_visible(timeout=ORDER_MS)


def test_addresses_that_were_named_are_one_press_away(person: Person) -> None:
    person.create_account()
    person.open("/wallet/")
    to = str(Keypair().pubkey())
    person.see("book-unfold").click()
    person.see("book-address").fill(to)
    person.see("book-label").fill("Cold\u200bwallet")
    person.see("book-password").fill(PASSWORD)
    person.see("book-add").click()
    expect(person.see("book-refusal")).to_contain_text("cannot be seen")
    person.see("book-label").fill("Cold wallet")
    person.type_anew("book-password", "wrong")
    person.see("book-add").click()
    expect(person.see("book-refusal")).not_to_contain_text("cannot be seen")
    person.type_anew("book-password", PASSWORD)
    person.see("book-add").click()
    expect(person.see("book-row")).to_contain_text("Cold wallet")
    person.see("book-use").click()
    expect(person.see("withdraw-to")).to_have_value(to)
    person.see("book-forget").click()
    expect(person.see("forget-dialog")).to_contain_text("Remove Cold wallet?")
    person.see("forget-dialog-keep").click()
    expect(person.see("forget-dialog")).not_to_be_visible()
    expect(person.see("book-row")).to_have_count(1)
    person.see("book-forget").click()
    person.see("forget-confirmed").click()
    expect(person.see("forget-dialog")).not_to_be_visible()
    expect(person.see("book-row")).to_have_count(0)
