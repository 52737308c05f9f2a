"""The pages of who is logged in, as the navigation names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WALLET = "/wallet"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to; `icon` is a name of Lucide."""

    address: str
    label: str
    icon: str


PLACES = (
    Place("/", "Trade", "arrow-left-right"),
    Place(WALLET, "Wallet", "wallet"),
    Place("/status", "Status", "activity"),
)
"""In the order of the navigation."""


def needs_session(path: str) -> bool:
    """Whether a path of the site is a page that shows something of an account."""
    return (path.rstrip("/") or "/") in {place.address for place in PLACES}
