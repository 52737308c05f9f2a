"""The account page: password, sessions, API keys."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.conftest import RunningEngine
from tests.e2e.person import LOGIN, PASSWORD, TRADE, Person

NEW_PASSWORD = "staple battery correct"
ACCOUNT = re.compile(r"/account/?(\?|$)")


def elsewhere(new_page: Callable[..., Page], person: Person) -> Person:
    """The same person in another browser."""
    other = Person(new_page(), person.name, person.password)
    other.log_in()
    expect(other.see("connection")).to_have_text("Live")
    return other


def test_a_key_is_shown_once_works_and_can_be_revoked(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.see("to-account").click()
    expect(person.page).to_have_url(ACCOUNT)
    expect(person.see("keys-empty")).to_be_visible()
    person.see("new-key").click()
    expect(person.see("key-name")).to_be_focused()
    person.see("key-name").fill("market maker")
    person.see("key-password").fill("not the password")
    person.see("create-key").click()
    expect(person.see("key-problem")).to_be_visible()
    person.see("key-password").fill(PASSWORD)
    person.see("create-key").dblclick()
    expect(person.see("key-secret")).to_have_value(re.compile("^oek_"))
    secret = person.see("key-secret").input_value()
    person.see("copy-key").click()
    in_front = person.page.locator("section:popover-open [data-sonner-toast]")
    expect(in_front.filter(has_text=re.compile("Key copied|did not let Key"))).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(person.see("key-secret")).not_to_be_visible()
    expect(person.see("key-secret")).to_have_value("")
    expect(person.see("key")).to_have_count(1)
    expect(person.see("key")).to_contain_text(re.compile(r"market maker.*Read.*Trade.*never used", re.DOTALL))
    expect(person.see("key")).not_to_contain_text("Withdraw")

    def asked() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(f"{engine.base_url}/api/wallet", headers=headers, timeout=30).status_code

    assert asked() == 200
    person.page.reload()
    expect(person.see("key")).to_contain_text(" · used ")
    assert secret not in person.page.content()
    person.see("revoke-key").click()
    expect(person.see("revoke-dialog")).to_contain_text("Revoke market maker?")
    expect(person.see("revoke-dialog-keep")).to_be_focused()
    person.see("revoke-dialog-keep").press("Enter")
    expect(person.see("revoke-dialog")).not_to_be_visible()
    assert asked() == 200
    person.see("revoke-key").click()
    expect(person.see("revoke-dialog")).to_be_visible()
    person.see("revoke-confirmed").press("Enter")
    expect(person.see("revoke-dialog")).not_to_be_visible()
    expect(person.see("new-key")).to_be_focused()
    expect(person.see("keys-empty")).to_be_visible()
    assert asked() == 401
    expect(person.see("security-log")).to_contain_text("API key revoked")


def test_another_session_is_listed_and_ended_from_here(new_page: Callable[..., Page], person: Person) -> None:
    person.create_account()
    other = elsewhere(new_page, person)
    person.open("/account/")
    expect(person.see("session")).to_have_count(2)
    expect(person.see("session").filter(has_text="This one")).to_have_count(1)
    person.see("end-session").click()
    expect(person.see("session")).to_have_count(1)
    expect(other.page).to_have_url(LOGIN)


def test_a_new_password_ends_every_other_session(new_page: Callable[..., Page], person: Person) -> None:
    person.create_account()
    other = elsewhere(new_page, person)
    person.open("/account/")
    person.see("password").fill("not the password")
    person.see("new_password").fill(NEW_PASSWORD)
    person.see("change").click()
    expect(person.see("password-problem")).to_be_visible()
    person.see("password").fill(PASSWORD)
    person.see("new_password").fill(NEW_PASSWORD)
    person.see("change").click()
    expect(person.page.get_by_text("Password changed").first).to_be_visible()
    expect(person.see("password-problem")).to_have_count(0)
    expect(person.see("session")).to_have_count(1)
    expect(other.page).to_have_url(LOGIN)
    other.password = NEW_PASSWORD
    other.log_in()
    expect(other.page).to_have_url(TRADE)


def test_logging_out_everywhere_ends_this_session_too(new_page: Callable[..., Page], person: Person) -> None:
    person.create_account()
    other = elsewhere(new_page, person)
    person.open("/account/")
    expect(person.see("session")).to_have_count(2)
    person.see("log-out-everywhere").click()
    person.page.keyboard.press("Escape")
    expect(person.see("everywhere-dialog")).not_to_be_visible()
    person.see("log-out-everywhere").click()
    person.see("everywhere-confirmed").click()
    expect(person.page).to_have_url(LOGIN)
    expect(other.page).to_have_url(LOGIN)
    person.page.goto("/account/")
    expect(person.page).to_have_url(LOGIN)
