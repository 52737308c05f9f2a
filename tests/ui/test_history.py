"""What the history's address asks for, and how live updates change a page of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from engine_app.orders.history import HistoryFilter
from engine_app.ui.history import (
    MOST_KNOWN,
    UNSEEN,
    Choice,
    Seen,
    belongs,
    choice_of,
    date_trouble,
    filter_of,
    is_news,
    newest,
    page_of,
    query_of,
    remembering,
    seen,
    with_update,
)
from engine_app.ui.order_view import OrderRow, order_row
from tests.ui.test_order_view import at, order


def row(number: int, status: str = "pending") -> OrderRow:
    """The order that was placed `number` seconds after the first."""
    return order_row(order(status, orderId=str(number), createdAt=at(1000 * number)), "")


def ids(rows: list[OrderRow]) -> list[str]:
    return [shown.order_id for shown in rows]


def test_a_new_order_comes_first_and_pushes_out_the_oldest() -> None:
    page = with_update([row(2), row(1)], row(3), takes_new=True, page_size=2)
    assert ids(page.rows) == ["3", "2"]
    assert page.full_length == 3


def test_an_order_that_arrives_late_takes_its_place_by_age() -> None:
    assert ids(with_update([row(3), row(1)], row(2), takes_new=True, page_size=10).rows) == ["3", "2", "1"]


def test_an_order_on_the_page_changes_where_it_stands() -> None:
    page = with_update([row(3), row(2), row(1)], row(2, "confirmed"), takes_new=False, page_size=3)
    assert ids(page.rows) == ["3", "2", "1"]
    assert page.rows[1].status == "confirmed"


def test_an_address_names_a_page_of_what_is_chosen() -> None:
    failed = Choice(status="failed")
    assert [query_of(choice, page) for choice in (Choice(), failed) for page in (0, 2)] == [
        "",
        "?page=3",
        "?status=failed",
        "?status=failed&page=3",
    ]
    assert [page_of({"page": asked}) for asked in ("1", "3", "100")] == [0, 2, 99]


@pytest.mark.parametrize("asked", ["", "0", "-1", "101", "1e1", "x", "9" * 5_000, None, ["3"], 3])
def test_an_address_that_names_no_page_leads_to_the_first(asked: Any) -> None:
    assert page_of({"page": asked}) == 0


def test_an_older_page_takes_no_new_order() -> None:
    assert ids(with_update([row(2), row(1)], row(3), takes_new=False, page_size=2).rows) == ["2", "1"]


def test_the_card_of_the_newest_order_keeps_to_it() -> None:
    second = order("routing", orderId="2", createdAt=at(2000))
    assert newest({}, second)
    assert newest(second, order("confirmed", orderId="2", createdAt=at(2000)))
    assert newest(second, order("pending", orderId="3", createdAt=at(3000)))
    assert not newest(second, order("confirmed", orderId="1", createdAt=at(1000)))


def test_what_is_remembered_of_an_order() -> None:
    assert seen({"seq": 3, "status": "submitted"}).open
    assert not seen({"seq": 4, "status": "failed"}).open
    assert seen({"seq": 1, "status": "pending"}).seq > UNSEEN.seq
    assert not UNSEEN.open


@pytest.mark.parametrize(
    ("order", "news"),
    [
        ({"seq": 5}, True),
        ({"seq": 3}, False),
        ({"seq": 4, "waitingFor": {"reason": "landing", "blocksLeft": 87}}, False),
        ({"seq": 4, "waitingFor": {"reason": "landing", "blocksLeft": 80}}, True),
    ],
)
def test_a_later_state_is_news_and_so_is_a_countdown_that_moved_on(order: dict[str, Any], news: bool) -> None:
    before = Seen(4, open=True, waiting={"reason": "landing", "blocksLeft": 87})
    assert is_news(before, order) is news


def test_what_was_taken_in_longest_ago_is_forgotten_first() -> None:
    known = remembering({}, (order("confirmed", orderId=str(number), seq=1) for number in range(MOST_KNOWN)))
    known = remembering(known, [order("confirmed", orderId="0", seq=7), order("confirmed", orderId="new", seq=1)])
    assert len(known) == MOST_KNOWN
    assert known["0"].seq == 7
    assert "new" in known
    assert "1" not in known


def test_nothing_of_the_same_state_of_a_done_order_is_news() -> None:
    assert not is_news(Seen(4, open=False), {"seq": 4, "waitingFor": {"reason": "landing"}})


SYMBOLS = ("SOL", "USDC")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Choice()),
        ({"status": "failed", "token": "SOL", "kind": "swap", "since": "24h"}, Choice("failed", "SOL", "swap", "24h")),
        ({"status": "lost", "token": "NOPE", "kind": "loan", "since": "ever"}, Choice()),
        ({"search": "  abc "}, Choice(search="abc")),
        ({"status": ["failed"], "search": {"a": 1}}, Choice()),
        ({"search": "x" * 500}, Choice(search="x" * 100)),
        ({"search": "a\ud800"}, Choice(search="a?")),
        (
            {"since": "dates", "from": "2026-11-20T00:00:00.000+09:00", "to": "2026-11-27T15:00:00Z"},
            Choice(since="dates", from_="2026-11-19T15:00:00Z", to="2026-11-27T15:00:00Z"),
        ),
        ({"since": "24h", "from": "2026-11-20T00:00:00Z"}, Choice(since="24h")),
        ({"since": "dates", "from": "2026-11-20", "to": "1999-01-01T00:00:00Z"}, Choice(since="dates")),
        ({"since": "dates", "from": "9999-12-31T23:00:00-05:00", "to": ["x"]}, Choice(since="dates")),
        (
            {"since": "dates", "from": "2026-11-20T00:00:00Z", "to": "2026-11-20T00:00:00Z"},
            Choice(since="dates", from_="2026-11-20T00:00:00Z"),
        ),
    ],
)
def test_an_address_asks_for_what_is_known(asked: dict[str, object], expected: Choice) -> None:
    assert choice_of(asked, SYMBOLS) == expected


def test_a_choice_and_its_address_say_the_same() -> None:
    choice = Choice("open", "USDC", "transfer", "7d", search="a b")
    assert dict(parse_qsl(choice.query.removeprefix("?"))) == {
        "status": "open", "token": "USDC", "kind": "transfer", "since": "7d", "search": "a b"
    }  # fmt: skip
    assert Choice().query == ""
    dates = Choice(since="dates", from_="2026-11-19T15:00:00Z", to="2026-11-27T15:00:00Z")
    assert choice_of(dict(parse_qsl(dates.query.removeprefix("?"))), SYMBOLS) == dates


@pytest.mark.parametrize(
    ("first", "end", "troubles"),
    [
        ("", "", ("", "")),
        ("2026-11-20T00:00:00Z", "", ("", "")),
        ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", ("", "")),
        (
            "2026-11-21T00:00:00Z",
            "2026-11-21T00:00:00Z",
            ("This is after the last day.", "This is before the first day."),
        ),
        ("?", "2026-11-21T00:00:00Z", ("Type a whole date, 2020 or later.", "")),
        ("0202-11-21T00:00:00Z", "?", ("Type a whole date, 2020 or later.",) * 2),
    ],
)
def test_a_date_that_cannot_be_taken_is_told_at_its_field(first: str, end: str, troubles: tuple[str, str]) -> None:
    asked = {"from": first, "to": end}
    assert tuple(date_trouble(asked, name) for name in ("from", "to")) == troubles


def test_a_choice_becomes_a_filter() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    wanted = filter_of(Choice("open", "SOL", "swap", "24h", search="abc"), now, lambda symbol: f"mint of {symbol}")
    assert wanted == HistoryFilter(
        statuses=frozenset({"pending", "routing", "building", "submitted"}),
        token="mint of SOL",
        kind="swap",
        placed_from=now - timedelta(days=1),
        search="abc",
    )
    assert filter_of(Choice(), now, str) == HistoryFilter()
    dates = Choice(since="dates", from_="2026-11-19T15:00:00Z", to="2026-11-27T15:00:00Z")
    assert filter_of(dates, now, str) == HistoryFilter(
        placed_from=datetime(2026, 11, 19, 15, tzinfo=UTC), placed_before=datetime(2026, 11, 27, 15, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(), True),
        (Choice(status="open"), True),
        (Choice(status="failed"), False),
        (Choice(token="USDC"), True),
        (Choice(token="BONK"), False),
        (Choice(kind="transfer"), False),
        (Choice(search="7"), True),
        (Choice(search="sig"), True),
        (Choice(search="8"), False),
        (Choice(since="dates", from_="2026-11-27T10:00:00Z", to="2026-11-27T10:00:01Z"), True),
        (Choice(since="dates", from_="2026-11-27T10:00:01Z"), False),
        (Choice(since="dates", to="2026-11-27T10:00:00Z"), False),
    ],
)
def test_news_belongs_to_a_page_that_asks_for_it(choice: Choice, wanted: bool) -> None:
    news = {"orderId": 7, "status": "routing", "tokenIn": "SOL", "tokenOut": "USDC", "kind": "swap", "txHash": "sig"}
    news["createdAt"] = "2026-11-27T10:00:00+00:00"
    assert belongs(choice, news) is wanted
