"""The pages of who is logged in, as the navigation names them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

ORDERS = "/orders"
WALLET = "/wallet"
ACCOUNT = "/account"
STATUS = "/status"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to; `icon` is a name of Lucide."""

    address: str
    label: str
    icon: str


PLACES = (
    Place("/", "Trade", "arrow-left-right"),
    Place(ORDERS, "Orders", "list"),
    Place(WALLET, "Wallet", "wallet"),
    Place(ACCOUNT, "Account", "user"),
    Place(STATUS, "Status", "activity"),
)
"""In the order of the navigation."""

NEXT = "next"
"""The part of the log-in page's query that says where one goes on."""
LONGEST_WAY = 500
_OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9/_-]*(\?[A-Za-z0-9_.~%&=+:-]*)?")


def needs_session(path: str) -> bool:
    """Whether a path of the site is a page that shows something of an account."""
    return is_of_an_order(path) or (path.rstrip("/") or "/") in {place.address for place in PLACES}


def way_back(asked: object) -> str:
    """Where who has logged in goes on: the page of an account that was asked for, or the trade page.

    Anybody can write an address that leads to the log-in page: nothing but a path of this site is taken from it. Only
    the history says in its query what it shows; those of others are what they said once.
    """
    if not isinstance(asked, str) or len(asked) > LONGEST_WAY or not _OWN_PATH.fullmatch(asked):
        return PLACES[0].address
    path = asked.partition("?")[0]
    if not needs_session(path):
        return PLACES[0].address
    return asked if path.rstrip("/") == ORDERS else path


def is_of_an_order(path: str) -> bool:
    """Whether a path is that of one order's page, be there such an order or not."""
    parts = path.strip("/").split("/")
    return len(parts) == 2 and f"/{parts[0]}" == ORDERS and "." not in parts[1]


def order_in(path: str) -> UUID | None:
    """The order whose page a path is; None for any other path."""
    if not is_of_an_order(path):
        return None
    try:
        return UUID(path.strip("/").partition("/")[2])
    except ValueError:
        return None
