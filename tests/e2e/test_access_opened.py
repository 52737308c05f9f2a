"""What a press opens is for everybody too: axe finds nothing in dialogs, menus and told errors, in dark or light."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from solders.keypair import Keypair

from tests.conftest import RunningEngine
from tests.e2e.person import PASSWORD, Person
from tests.e2e.test_access import findings, settle
from tests.e2e.test_look import PHONE
from tests.e2e.test_wallet import SOL, arrive

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def opened(new_page: Callable[..., Page], scheme: str) -> Person:
    """Somebody with a new account and a page in the scheme."""
    person = Person(new_page(color_scheme=scheme, reduced_motion="reduce"), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    return person


@SCHEMES
def test_axe_finds_nothing_in_what_the_trade_page_opens(opened: Person, engine: RunningEngine) -> None:
    found: dict[str, list[str]] = {}
    arrive(engine, opened.address(), 8_010 * SOL)
    expect(opened.see("balance-SOL")).to_have_text("8,010")
    expect(opened.page.get_by_text("8,010 SOL received")).to_be_visible()
    found["a toast"] = findings(opened.page)
    opened.see("token-out").click()
    expect(opened.see("option-BONK")).to_be_visible()
    found["the token picker"] = findings(opened.page)
    opened.see("token-search").fill(str(Keypair().pubkey()))
    expect(opened.see("picker-trouble").or_(opened.see("picker-empty"))).to_be_visible()
    found["the token picker without a token"] = findings(opened.page)
    opened.see("token-search").fill("BONK")
    opened.see("option-BONK").click()
    opened.has_chosen("out", "BONK")
    opened.see("amount").fill("8000")
    expect(opened.see("swap-button")).to_contain_text("look closer")
    for fold in opened.page.locator("details:not([open]) > summary").all():
        fold.click()
    found["a quote with all its folds open"] = findings(opened.page)
    opened.see("swap-button").click()
    expect(opened.see("place-despite")).to_be_visible()
    found["the high price impact"] = findings(opened.page)
    opened.see("confirmation").fill("SWAP")
    expect(opened.see("place-despite")).to_be_enabled()
    found["the high price impact, confirmed"] = findings(opened.page)
    opened.page.keyboard.press("Escape")
    opened.see("account").click()
    expect(opened.see("log-out")).to_be_visible()
    found["the account menu"] = findings(opened.page)
    assert {what: told for what, told in found.items() if told} == {}


@SCHEMES
def test_axe_finds_nothing_in_what_the_other_pages_open(opened: Person, engine: RunningEngine) -> None:
    found: dict[str, list[str]] = {}
    opened.page.goto("/wallet/")
    settle(opened)
    opened.see("book-unfold").click()
    opened.see("book-address").fill(str(Keypair().pubkey()))
    opened.see("book-label").fill("Cold wallet")
    opened.see("book-password").fill("wrong")
    opened.see("book-add").click()
    expect(opened.see("book-refusal")).to_be_visible()
    opened.see("withdraw-amount").fill("1")
    opened.see("withdraw-to").fill(str(Keypair().pubkey()))
    opened.see("withdraw-password").fill("wrong")
    opened.see("withdraw").click()
    expect(opened.see("withdraw-refusal")).to_be_visible()
    opened.page.evaluate("scrollTo(0, 0)")  # Else the bar at the top covers half a button, as it covers anything.
    found["refusals of the wallet page"] = findings(opened.page)
    opened.type_anew("book-password", PASSWORD)
    opened.see("book-add").click()
    expect(opened.see("book-row")).to_be_visible()
    arrive(engine, opened.see("full-address").inner_text(), 2 * SOL)
    expect(opened.see("activity-row")).to_be_visible()
    found["the address book and what has moved"] = findings(opened.page)
    opened.see("book-forget").click()
    expect(opened.see("forget-confirmed")).to_be_visible()
    found["the question before an address is removed"] = findings(opened.page)

    opened.open("/orders/?since=dates")
    expect(opened.see("placed-to")).to_be_visible()
    opened.see("placed-from").fill("2026-01-02")
    expect(opened.page).not_to_have_url("/orders/?since=dates")
    opened.see("placed-to").fill("2025-01-02")
    expect(opened.see("to-trouble")).not_to_be_empty()
    expect(opened.see("history-none-found")).to_be_visible()
    found["custom dates, a wrong one among them"] = findings(opened.page)

    opened.page.goto("/account/")
    settle(opened)
    opened.see("new-key").click()
    opened.see("key-name").fill("market maker")
    opened.see("key-password").fill("wrong")
    opened.see("create-key").click()
    expect(opened.see("key-problem")).to_be_visible()
    found["a key that was refused"] = findings(opened.page)
    opened.see("key-password").fill(PASSWORD)
    opened.see("create-key").click()
    expect(opened.see("key-secret")).to_be_visible()
    found["the secret of a new key"] = findings(opened.page)
    opened.page.keyboard.press("Escape")
    expect(opened.see("key")).to_be_visible()
    found["the list of keys"] = findings(opened.page)
    for button, confirming in (("revoke-key", "revoke-confirmed"), ("log-out-everywhere", "everywhere-confirmed")):
        opened.see(button).click()
        expect(opened.see(confirming)).to_be_visible()
        found[f"the question after {button}"] = findings(opened.page)
        opened.page.keyboard.press("Escape")
        expect(opened.see(confirming)).not_to_be_visible()
    assert {what: told for what, told in found.items() if told} == {}


@SCHEMES
def test_axe_finds_nothing_in_what_a_phone_opens(new_page: Callable[..., Page], scheme: str) -> None:
    phone = new_page(**PHONE, color_scheme=scheme, reduced_motion="reduce")
    person = Person(phone, f"ada-{uuid4().hex[:10]}")
    person.create_account()
    found: dict[str, list[str]] = {}
    person.see("account").tap()
    expect(person.see("log-out")).to_be_visible()
    found["the account menu"] = findings(phone)
    phone.keyboard.press("Escape")
    person.see("token-in").tap()
    expect(person.see("option-BONK")).to_be_visible()
    found["the token picker"] = findings(phone)
    phone.goto("/orders/?since=dates")
    expect(person.see("placed-to")).to_be_visible()
    found["custom dates"] = findings(phone)
    phone.goto("/account/")
    settle(person)
    person.see("new-key").tap()
    expect(person.see("key-name")).to_be_visible()
    # axe takes the navigation for being in front of a modal dialog, which it is behind and out of reach of.
    found["the new key"] = findings(phone, without="target-size")
    assert {what: told for what, told in found.items() if told} == {}
