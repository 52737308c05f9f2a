"""How live updates change a page of the history. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine_app.ui.figures import moment
from engine_app.ui.order_view import FINAL, OrderRow


@dataclass(frozen=True)
class Seen:
    """How new the newest known state of an order is, whether the order was still under way in it, and what it waited
    for."""

    seq: int
    open: bool
    waiting: Any = None


UNSEEN = Seen(-1, open=False)
Known = dict[str, Seen]
"""What was last seen of each order, by order id."""


@dataclass(frozen=True)
class ShownPage:
    """A page after an update, and how long it would be if nothing were cut off."""

    rows: list[OrderRow]
    full_length: int


def seen(order: Mapping[str, Any]) -> Seen:
    """What to remember of an order's JSON."""
    return Seen(order["seq"], open=order["status"] not in FINAL, waiting=order.get("waitingFor"))


def is_news(before: Seen, order: Mapping[str, Any]) -> bool:
    """Whether an order's JSON tells more than what was seen: a later state, or the same with its countdown moved on."""
    if order["seq"] != before.seq:
        return bool(order["seq"] > before.seq)
    return before.open and order.get("waitingFor") != before.waiting


def with_update(rows: list[OrderRow], row: OrderRow, *, first_page: bool, page_size: int) -> ShownPage:
    """A page with an order's new row in it.

    An order that is on the page is replaced where it stands; a new one goes to its place by age on the first
    page, newest first, and pushes out the oldest; other pages take none.
    """
    if any(shown.order_id == row.order_id for shown in rows):
        changed = [row if shown.order_id == row.order_id else shown for shown in rows]
        return ShownPage(changed, len(changed))
    if not first_page:
        return ShownPage(rows, len(rows))
    changed = sorted([row, *rows], key=lambda shown: moment(shown.created_at), reverse=True)
    return ShownPage(changed[:page_size], len(changed))


def newest(shown: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    """Whether `order` belongs into the card of the newest order, which shows `shown` (empty: nothing yet)."""
    if not shown or str(shown["orderId"]) == str(order["orderId"]):
        return True
    return moment(order["createdAt"]) >= moment(shown["createdAt"])
