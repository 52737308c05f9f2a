"""The history of orders: live, filtered, searched, paged, as a file, and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import RunningEngine
from tests.e2e.person import LOGIN, Person
from tests.trading import PASSWORD, Bot, bot

ORDER_PAGE = re.compile(r"/orders/[0-9a-f-]{36}/?$")
SINCE_THEN = re.compile(r"/orders/?\?")


@contextmanager
def account_with_orders(engine: RunningEngine) -> Iterator[Bot]:
    """An account with 26 confirmed swaps, a failed one, and a withdrawal: two pages."""
    with bot(engine.base_url) as account, bot(engine.base_url, funded=False) as friend:
        orders = [account.place(amount="0.01") for _ in range(26)]
        orders.append(account.place("USDC", "SOL", "99999"))
        withdrawal = {"token": "SOL", "amount": "0.1", "address": friend.address(), "password": PASSWORD}
        answer = account.client.post("/api/wallet/withdraw", json=withdrawal)
        assert answer.status_code == 202, answer.text
        for order in (*orders, answer.json()["orderId"]):
            account.wait(order)
        yield account


@pytest.fixture(scope="module")
def trader(engine: RunningEngine) -> Iterator[Bot]:
    """Such an account, which nothing is added to."""
    with account_with_orders(engine) as account:
        yield account


@pytest.fixture
def reader(new_page: Callable[..., Page], trader: Bot) -> Person:
    """The trader at the history."""
    return at_the_history(new_page(), trader)


def at_the_history(page: Page, account: Bot) -> Person:
    """The owner of an account, logged in and at the history."""
    person = Person(page, account.username)
    person.log_in()
    expect(person.see("connection")).to_have_text("Live")
    person.see("to-orders").click()
    expect(person.see("order")).to_have_count(25)
    return person


def test_filters_narrow_the_list_and_stand_in_the_address(reader: Person) -> None:
    reader.see("status-failed").click()
    expect(reader.see("order")).to_have_count(1)
    expect(reader.page).to_have_url(re.compile("status=failed"))
    expect(reader.see("order")).to_contain_text("Insufficient funds")
    reader.page.reload()
    expect(reader.see("order")).to_have_count(1)
    expect(reader.see("status-failed")).to_have_attribute("aria-pressed", "true")
    reader.see("status-any").click()
    reader.see("choose-kind").select_option("transfer")
    expect(reader.page).to_have_url(re.compile(r"/orders/?\?kind=transfer$"))
    expect(reader.see("order")).to_contain_text(["0.1 SOL"])  # This one alone: the list before has one too.
    reader.see("choose-token").select_option("BONK")
    expect(reader.see("history-none-found")).to_be_visible()
    reader.see("clear").click()
    expect(reader.see("order")).to_have_count(25)
    reader.see("choose-since").select_option("1h")
    expect(reader.page).to_have_url(re.compile("since=1h"))
    expect(reader.see("order")).to_have_count(25)


def test_own_dates_narrow_list_and_file_by_the_days_of_the_reader(
    new_page: Callable[..., Page], trader: Bot, tmp_path: Path
) -> None:
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 h ahead of UTC
    reader = Person(new_page(timezone_id=zone.key), trader.username)
    reader.log_in()
    expect(reader.see("connection")).to_have_text("Live")
    reader.open("/orders/")
    reader.see("choose-since").select_option("dates")
    expect(reader.see("placed-to")).to_be_visible()
    reader.see("choose-since").focus()
    orders = trader.client.get("/api/orders/history", params={"limit": 100}).json()["orders"]
    days = [datetime.fromisoformat(order["createdAt"]).astimezone(zone).date() for order in orders]
    yesterday, tomorrow = min(days) - timedelta(days=1), max(days) + timedelta(days=1)
    reader.page.keyboard.press("Tab")
    expect(reader.see("placed-from")).to_be_focused()
    reader.page.keyboard.type("01012026")
    expect(reader.page).to_have_url(re.compile(r"from=2025-12-31T18%3A15%3A00Z"))
    expect(reader.see("placed-from")).to_be_focused()
    reader.see("placed-from").fill(str(yesterday))
    expect(reader.page).to_have_url(re.compile(rf"from={yesterday - timedelta(days=1)}T18%3A15%3A00Z"))
    expect(reader.see("order")).to_have_count(25)
    expect(reader.see("older")).to_be_enabled()
    reader.see("placed-to").fill(str(yesterday - timedelta(days=1)))
    expect(reader.see("to-trouble")).to_have_text("This is before the first day.")
    expect(reader.see("placed-to")).to_have_attribute("aria-invalid", "true")
    reader.see("placed-to").fill(str(yesterday))
    expect(reader.see("history-none-found")).to_be_visible()
    expect(reader.page).to_have_url(re.compile(rf"to={yesterday}T18%3A15%3A00Z"))
    expect(reader.see("to-trouble")).to_be_empty()
    reader.see("placed-to").fill(str(tomorrow))
    expect(reader.see("order")).to_have_count(25)
    reader.see("older").click()
    expect(reader.see("order")).to_have_count(3)
    reader.page.reload()
    expect(reader.see("placed-from")).to_have_value(str(yesterday))
    expect(reader.see("placed-to")).to_have_value(str(tomorrow))
    with reader.page.expect_download() as download:
        reader.see("csv").click()
    download.value.save_as(tmp_path / "orders.csv")
    assert len((tmp_path / "orders.csv").read_text().splitlines()) == 1 + 28
    reader.see("placed-from").fill("")
    expect(reader.page).not_to_have_url(re.compile("from="))
    reader.see("clear").click()
    expect(reader.see("placed-from")).to_have_count(0)


def test_a_search_finds_an_order_by_its_id_and_by_its_transaction(reader: Person, trader: Bot) -> None:
    order = trader.client.get("/api/orders/history?status=confirmed&kind=swap&limit=1").json()["orders"][0]
    for sought in (order["orderId"], order["txHash"]):
        reader.see("search").fill(sought)
        expect(reader.page).to_have_url(re.compile(f"search={sought}"))
        expect(reader.see("order")).to_have_count(1)
        expect(reader.see("order")).to_have_attribute("data-order", order["orderId"])
        reader.see("clear").click()
        expect(reader.see("order")).to_have_count(25)
    reader.see("search").fill("nothing like it")
    expect(reader.see("history-none-found")).to_be_visible()


def test_the_file_holds_every_page_of_what_is_shown(reader: Person, tmp_path: Path) -> None:
    def lines() -> list[str]:
        with reader.page.expect_download() as download:
            reader.see("csv").click()
        download.value.save_as(tmp_path / "orders.csv")
        return (tmp_path / "orders.csv").read_text().splitlines()

    assert len(lines()) == 1 + 28
    reader.see("status-failed").click()
    expect(reader.see("order")).to_have_count(1)
    head, failed = lines()
    assert head.startswith("orderId,")
    assert "INSUFFICIENT_FUNDS" in failed


def test_older_orders_are_on_further_pages_and_news_come_first(
    new_page: Callable[..., Page], engine: RunningEngine
) -> None:
    with account_with_orders(engine) as trader:
        reader = at_the_history(new_page(), trader)
        reader.see("older").click()
        expect(reader.see("page-number")).to_have_text("Page 2")
        expect(reader.see("order")).to_have_count(3)
        trader.wait(trader.place(amount="0.02"))
        expect(reader.page.get_by_text("Swap confirmed")).to_have_count(1)
        expect(reader.see("order")).to_have_count(3)
        reader.see("newer").click()
        expect(reader.see("order").first).to_contain_text("0.02 SOL")
        live = trader.place(amount="0.03")
        expect(reader.see("order").first).to_have_attribute("data-order", live)
        expect(reader.see("order").first).to_have_attribute("data-status", "confirmed")
        expect(reader.see("order")).to_have_count(25)


def test_one_comes_back_to_the_page_and_the_filter_that_one_left(reader: Person) -> None:
    def open_the_first_and_go_back(back: Callable[[], object]) -> None:
        reader.see("order-link").first.click()
        expect(reader.page).to_have_url(ORDER_PAGE)
        expect(reader.see("order-page")).to_be_visible()
        back()

    reader.see("older").press("Enter")
    expect(reader.page).to_have_url(re.compile(r"/orders/?\?page=2$"))
    expect(reader.see("older")).to_be_disabled()
    expect(reader.see("older")).to_be_focused()
    for back in (reader.page.go_back, reader.see("way-back").click):
        open_the_first_and_go_back(back)
        expect(reader.see("page-number")).to_have_text("Page 2")
        expect(reader.see("order")).to_have_count(3)
    reader.see("newer").press("Enter")
    expect(reader.page).to_have_url(re.compile(r"/orders/?$"))
    expect(reader.see("newer")).to_be_disabled()
    expect(reader.see("newer")).to_be_focused()
    reader.page.keyboard.press("Enter")
    expect(reader.see("page-number")).to_have_text("Page 1")
    reader.see("status-failed").click()
    expect(reader.see("order")).to_have_count(1)
    for back in (reader.page.go_back, reader.see("way-back").click):
        open_the_first_and_go_back(back)
        expect(reader.page).to_have_url(re.compile(r"/orders/?\?status=failed$"))
        expect(reader.see("order")).to_have_count(1)
    another = reader.page.context.new_page()
    another.goto("/orders?page=2")
    expect(another.get_by_test_id("page-number")).to_have_text("Page 2")
    expect(another.get_by_test_id("order")).to_have_count(3)
    another.goto("/orders?page=7")
    expect(another.get_by_test_id("page-number")).to_have_text("Page 2")


def test_the_keyboard_searches_walks_and_opens(reader: Person) -> None:
    reader.page.keyboard.press("/")
    expect(reader.see("search")).to_be_focused()
    reader.page.keyboard.type("n")
    expect(reader.see("page-number")).to_have_count(0)
    reader.page.keyboard.press("Backspace")
    expect(reader.see("order")).to_have_count(25)
    reader.page.keyboard.press("Escape")
    reader.page.keyboard.press("n")
    expect(reader.see("page-number")).to_have_text("Page 2")
    reader.page.keyboard.press("p")
    expect(reader.see("page-number")).to_have_text("Page 1")
    for _ in range(2):
        reader.page.keyboard.press("j")
    expect(reader.see("order-link").nth(1)).to_be_focused()
    reader.page.keyboard.press("k")
    expect(reader.see("order-link").first).to_be_focused()
    reader.page.keyboard.press("Enter")
    expect(reader.page).to_have_url(ORDER_PAGE)


def test_keys_that_are_turned_off_do_nothing_until_they_are_turned_on(reader: Person) -> None:
    reader.see("account").click()
    reader.see("shortcuts-off").click()
    expect(reader.see("shortcuts-off")).to_have_attribute("aria-pressed", "true")
    reader.open("/orders/")
    reader.page.keyboard.press("n")
    reader.page.keyboard.press("/")
    reader.see("account").click()
    expect(reader.see("search")).not_to_be_focused()
    expect(reader.see("page-number")).to_have_text("Page 1")
    reader.see("shortcuts-on").click()
    expect(reader.see("shortcuts-on")).to_have_attribute("aria-pressed", "true")
    reader.page.keyboard.press("Escape")
    reader.page.keyboard.press("n")
    expect(reader.see("page-number")).to_have_text("Page 2")


def test_a_newcomer_is_told_what_will_stand_here(person: Person) -> None:
    person.create_account()
    person.open("/orders/")
    expect(person.see("history-empty")).to_contain_text("No orders yet")
    person.see("history-empty").get_by_role("link").click()
    expect(person.see("amount")).to_be_visible()


def test_a_stranger_gets_neither_list_nor_file(person: Person) -> None:
    for path in ("/orders", f"/orders/{uuid4()}", "/session/orders.csv"):
        person.page.goto(path)
        expect(person.page).to_have_url(LOGIN)
