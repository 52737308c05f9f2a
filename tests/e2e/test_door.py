"""Log in, create account, log out."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.conftest import RunningEngine
from tests.e2e.person import CREATE, LOGIN, TRADE, Person
from tests.trading import bot


def test_a_wrong_password_is_told_and_the_name_kept(new_page: Callable[..., Page], engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as account:
        person = Person(new_page(), account.username, "not the password")
        person.log_in()
        expect(person.page).to_have_url(LOGIN)
        expect(person.see("refusal")).to_contain_text("wrong")
        expect(person.see("username")).to_have_value(account.username)
        person.see("password").fill(Person.password)
        person.see("submit").click()
        expect(person.page).to_have_url(TRADE)
        person.see("account").click()
        expect(person.see("username")).to_have_text(account.username)


def test_a_taken_name_is_told(new_page: Callable[..., Page], engine: RunningEngine) -> None:
    with bot(engine.base_url, funded=False) as account:
        person = Person(new_page(), account.username)
        person.page.goto("/login/")
        person.see("to-create-account").click()
        expect(person.page).to_have_url(CREATE)
        person.fill_in()
        expect(person.see("refusal")).to_contain_text("exists already")
        expect(person.page).to_have_url(CREATE)


def test_a_mistyped_name_does_not_become_an_account(person: Person) -> None:
    person.log_in()
    expect(person.page).to_have_url(LOGIN)
    expect(person.see("refusal")).to_be_visible()


def test_a_stranger_comes_to_the_log_in_page(person: Person) -> None:
    person.page.goto("/")
    expect(person.page).to_have_url(LOGIN)
    expect(person.see("submit")).to_be_visible()


def test_a_stranger_comes_to_the_page_that_was_asked_for(new_page: Callable[..., Page], engine: RunningEngine) -> None:
    with bot(engine.base_url) as account:
        order = account.place(amount="0.01")
        person = Person(new_page(), account.username, "not the password")
        person.page.goto(f"/orders/{order}")
        expect(person.page).to_have_url(LOGIN)
        way_on = person.page.locator("input[name=next]")
        expect(way_on).to_have_value(f"/orders/{order}")
        person.fill_in()
        expect(person.see("refusal")).to_be_visible()
        expect(way_on).to_have_value(f"/orders/{order}")
        person.see("password").fill(Person.password)
        person.see("submit").click()
        expect(person.see("order-page")).to_be_visible()
        expect(person.page).to_have_url(re.compile(f"/orders/{order}/?$"))
        # A session that ends under the page leads back to it, too.
        person.open("/orders/?status=failed")
        bearer = {"Authorization": f"Bearer {session_of(person)}"}
        account.client.post("/api/account/logout", headers=bearer)
        expect(way_on).to_have_value(re.compile(r"^/orders/?\?status=failed$"))


def session_of(person: Person) -> str:
    """The token of a person's session."""
    return next(one["value"] for one in person.page.context.cookies() if one["name"] == "session")


def test_a_cookie_that_is_not_valid_shows_nothing(person: Person, engine: RunningEngine) -> None:
    person.page.context.add_cookies([{"name": "session", "value": "forged", "url": engine.base_url}])
    person.page.goto("/")
    expect(person.page).to_have_url(LOGIN)
    expect(person.see("account")).to_have_count(0)


def test_logging_out_leaves_nothing_behind(person: Person) -> None:
    person.create_account()
    person.get_funds()
    address = person.see("address").inner_text()
    person.see("account").click()
    person.see("log-out").click()
    expect(person.page).to_have_url(LOGIN)
    person.page.goto("/")
    expect(person.page).to_have_url(LOGIN)
    successor = Person(person.page, f"{person.name}-next")
    successor.create_account()
    expect(successor.see("wallet-empty")).to_be_visible()
    expect(successor.see("address")).not_to_have_text(address)


def test_who_is_logged_in_is_sent_on_from_the_door(person: Person) -> None:
    person.create_account()
    person.page.goto("/login/")
    expect(person.page).to_have_url(TRADE)
