"""How live updates change a page of the history."""

from __future__ import annotations

from typing import Any

import pytest

from engine_app.ui.history import UNSEEN, Seen, is_news, newest, seen, with_update
from engine_app.ui.order_view import OrderRow, order_row
from tests.ui.test_order_view import at, order


def row(number: int, status: str = "pending") -> OrderRow:
    """The order that was placed `number` seconds after the first."""
    return order_row(order(status, orderId=str(number), createdAt=at(1000 * number)), "")


def ids(rows: list[OrderRow]) -> list[str]:
    return [shown.order_id for shown in rows]


def test_a_new_order_comes_first_and_pushes_out_the_oldest() -> None:
    page = with_update([row(2), row(1)], row(3), first_page=True, page_size=2)
    assert ids(page.rows) == ["3", "2"]
    assert page.full_length == 3


def test_an_order_that_arrives_late_takes_its_place_by_age() -> None:
    assert ids(with_update([row(3), row(1)], row(2), first_page=True, page_size=10).rows) == ["3", "2", "1"]


def test_an_order_on_the_page_changes_where_it_stands() -> None:
    page = with_update([row(3), row(2), row(1)], row(2, "confirmed"), first_page=False, page_size=3)
    assert ids(page.rows) == ["3", "2", "1"]
    assert page.rows[1].status == "confirmed"


def test_an_older_page_takes_no_new_order() -> None:
    assert ids(with_update([row(2), row(1)], row(3), first_page=False, page_size=2).rows) == ["2", "1"]


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


def test_nothing_of_the_same_state_of_a_done_order_is_news() -> None:
    assert not is_news(Seen(4, open=False), {"seq": 4, "waitingFor": {"reason": "landing"}})
