"""The history of orders: what its address asks for, and how live updates change a page of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from engine_app.orders.history import HistoryFilter
from engine_app.orders.models import OPEN_STATUSES
from engine_app.ui import sent
from engine_app.ui.figures import moment
from engine_app.ui.order_view import FINAL, OrderRow

LONGEST_SEARCH = 100
"""Characters; a signature has fewer."""

STATUS_CHOICES: Mapping[str, frozenset[str]] = {
    "open": frozenset(OPEN_STATUSES),
    "confirmed": frozenset({"confirmed"}),
    "failed": frozenset({"failed"}),
}
KIND_CHOICES = ("swap", "transfer")
SINCE_CHOICES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
OWN_DATES = "dates"
"""The choice of a time that two dates bound."""
FIRST_YEAR, LAST_YEAR = 2020, 9998


@dataclass(frozen=True, slots=True)
class Choice:
    """Which orders are wanted, as the page's address says it; empty texts do not restrict.

    Attributes:
        status: a key of `STATUS_CHOICES`.
        token: a symbol, on either side.
        kind: one of `KIND_CHOICES`.
        since: a key of `SINCE_CHOICES`, or `OWN_DATES`.
        from_, to: with `OWN_DATES` the moments, ISO 8601 in UTC, from which on and before which an order was placed.
        search: an order's id or a transaction's signature.
    """

    status: str = ""
    token: str = ""
    kind: str = ""
    since: str = ""
    from_: str = ""
    to: str = ""
    search: str = ""

    @property
    def query(self) -> str:
        """The choice as the query of an address, with its `?`; empty for everything."""
        said = {name.rstrip("_"): getattr(self, name) for name in self.__slots__ if getattr(self, name)}
        return f"?{urlencode(said)}" if said else ""


EVERYTHING = Choice()
MOST_PAGES = 100
"""As far down as an address leads."""


def query_of(choice: Choice, page: int) -> str:
    """The query of the address of a page of what is chosen, counted from 0; empty for the first page of everything."""
    if page == 0:
        return choice.query
    return f"{choice.query}{'&' if choice.query else '?'}page={page + 1}"


def page_of(query: Mapping[str, Any]) -> int:
    """The page that an address asks for, counted from 0; the first where it asks for none that there may be."""
    asked = query.get("page", "")
    number = int(asked) if isinstance(asked, str) and len(asked) < 5 and asked.isdecimal() else 1
    return number - 1 if 1 <= number <= MOST_PAGES else 0


def choice_of(query: Mapping[str, Any], symbols: Collection[str]) -> Choice:
    """The choice that an address asks for; what is not known in it does not restrict."""

    def one_of(name: str, known: Collection[str]) -> str:
        asked = query.get(name, "")
        return asked if isinstance(asked, str) and asked in known else ""

    search = query.get("search", "")
    since = one_of("since", (*SINCE_CHOICES, OWN_DATES))
    first, end = (_moment(query.get(name)) if since == OWN_DATES else None for name in ("from", "to"))
    if first is not None and end is not None and first >= end:
        end = None
    return Choice(
        status=one_of("status", STATUS_CHOICES),
        token=one_of("token", symbols),
        kind=one_of("kind", KIND_CHOICES),
        since=since,
        from_=_said(first),
        to=_said(end),
        search=sent.text(search, LONGEST_SEARCH) if isinstance(search, str) else "",
    )


def date_trouble(asked: Mapping[str, Any], name: str) -> str:
    """Why an address cannot take the date that it asks for as `name` (`from` or `to`); empty where it can."""
    if not asked.get(name):
        return ""
    if _moment(asked[name]) is None:
        return f"Type a whole date, {FIRST_YEAR} or later."
    first, end = _moment(asked.get("from")), _moment(asked.get("to"))
    if first is None or end is None or first < end:
        return ""
    return "This is after the last day." if name == "from" else "This is before the first day."


def _moment(text: object) -> datetime | None:
    """The moment that a text names, in UTC; None where it names none that an order could have been placed at."""
    try:
        named = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if named is None or named.tzinfo is None or not FIRST_YEAR <= named.year <= LAST_YEAR:
        return None
    return named.astimezone(UTC)


def _said(named: datetime | None) -> str:
    return "" if named is None else named.strftime("%Y-%m-%dT%H:%M:%SZ")


def filter_of(choice: Choice, now: datetime, mint_of: Callable[[str], str]) -> HistoryFilter:
    """The same in the words of the orders' room."""
    return HistoryFilter(
        statuses=STATUS_CHOICES.get(choice.status, frozenset()),
        token=mint_of(choice.token) if choice.token else None,
        kind=choice.kind or None,
        placed_from=now - SINCE_CHOICES[choice.since] if choice.since in SINCE_CHOICES else _moment(choice.from_),
        placed_before=_moment(choice.to),
        search=choice.search or None,
    )


def belongs(choice: Choice, order: Mapping[str, Any]) -> bool:
    """Whether an order that was just placed or changed is one of those that are wanted."""
    placed = moment(order["createdAt"])
    first, end = _moment(choice.from_), _moment(choice.to)
    return (
        (first is None or placed >= first)
        and (end is None or placed < end)
        and (not choice.status or order["status"] in STATUS_CHOICES[choice.status])
        and (not choice.token or choice.token in (order["tokenIn"], order["tokenOut"]))
        and (not choice.kind or order["kind"] == choice.kind)
        and (not choice.search or choice.search in (str(order["orderId"]), order.get("txHash")))
    )


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
MOST_KNOWN = 200
"""Several pages of orders."""


@dataclass(frozen=True)
class ShownPage:
    """A page after an update, and how long it would be if nothing were cut off."""

    rows: list[OrderRow]
    full_length: int


def remembering(known: Known, orders: Iterable[Mapping[str, Any]]) -> Known:
    """With the newest state of these orders; those that were taken in longest ago are forgotten first."""
    fresh = {str(order["orderId"]): seen(order) for order in orders}
    kept = {order_id: state for order_id, state in known.items() if order_id not in fresh} | fresh
    return dict(islice(kept.items(), max(0, len(kept) - MOST_KNOWN), None))


def seen(order: Mapping[str, Any]) -> Seen:
    """What to remember of an order's JSON."""
    return Seen(order["seq"], open=order["status"] not in FINAL, waiting=order.get("waitingFor"))


def is_news(before: Seen, order: Mapping[str, Any]) -> bool:
    """Whether an order's JSON tells more than what was seen: a later state, or the same with its countdown moved on."""
    if order["seq"] != before.seq:
        return bool(order["seq"] > before.seq)
    return before.open and order.get("waitingFor") != before.waiting


def with_update(rows: list[OrderRow], row: OrderRow, *, takes_new: bool, page_size: int) -> ShownPage:
    """A page with an order's new row in it.

    An order that is on the page is replaced where it stands, also where it no longer is one of those that are wanted:
    nothing vanishes under a reader. A page that takes new ones puts one to its place by age, newest first, which
    pushes out the oldest; another page takes none.
    """
    if any(shown.order_id == row.order_id for shown in rows):
        changed = [row if shown.order_id == row.order_id else shown for shown in rows]
        return ShownPage(changed, len(changed))
    if not takes_new:
        return ShownPage(rows, len(rows))
    changed = sorted([row, *rows], key=lambda shown: moment(shown.created_at), reverse=True)
    return ShownPage(changed[:page_size], len(changed))


def newest(shown: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    """Whether `order` belongs into the card of the newest order, which shows `shown` (empty: nothing yet)."""
    if not shown or str(shown["orderId"]) == str(order["orderId"]):
        return True
    return moment(order["createdAt"]) >= moment(shown["createdAt"])
