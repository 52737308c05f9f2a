"""What may be done in an account's name."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One kind of thing that may be done. None of them includes another."""

    READ = "read"
    """Look at orders, balances and quotes."""
    TRADE = "trade"
    """Place and cancel orders, get test funds."""
    WITHDRAW = "withdraw"
    """Send funds to another address."""


EVERY_SCOPE = frozenset(Scope)
"""What a session may do."""
