"""How much of a balance an order may ask for, at a price of what age, and how often. Pure; amounts are whole tokens."""

from __future__ import annotations

import hashlib
from decimal import ROUND_DOWN, Decimal

from engine_app.ui.figures import in_full

SOL_KEPT = Decimal("0.01")
"""SOL that *Max* leaves for fees and rents."""

SHARES = (1, 2)
"""What the form's buttons divide the balance by."""

QUOTE_SECONDS = 10
"""A quote is asked for anew so often."""
GRACE_SECONDS = 3.0
"""How much longer a quote may be shown while the next one is awaited."""
STALE_SECONDS = 15.0
"""A quote of this age is not ordered, whatever the page shows."""


def share(available: Decimal, divisor: int, *, token: str, decimals: int) -> Decimal:
    """What *Max* (divisor 1) or *Half* (2) fills in: the share of a balance, rounded down to the token's decimals.

    Of SOL, what fees and rents need stays out of the balance that is shared; never below zero.
    """
    spendable = max(available - SOL_KEPT, Decimal(0)) if token == "SOL" else available  # noqa: S105
    return (spendable / divisor).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)


def falls_short(asked: Decimal, available: Decimal | None) -> bool:
    """Whether a balance is too small for an amount; an unknown balance (None) is not said to be."""
    return available is not None and asked > available


def spends_fees(asked: Decimal, available: Decimal | None, *, token: str) -> bool:
    """Whether an amount that the balance has leaves too little SOL for fees and rents; not said of an unknown one."""
    if token != "SOL" or available is None:  # noqa: S105
        return False
    return available - SOL_KEPT < asked <= available


def not_enough(label: str, available: Decimal) -> str:
    """What is said where a balance is too small for what is asked of it."""
    return f"Not enough {label}: {in_full(available)} can be sent."


def nothing_to_share(label: str) -> str:
    """What is said where *Max* or *Half* of a token is nothing."""
    beyond = " beyond what fees and rents need" if label == "SOL" else ""
    return f"There is no {label} to pay{beyond}."


def is_stale(age_seconds: float) -> bool:
    """Whether a quote has become too old to be ordered."""
    return age_seconds > STALE_SECONDS


def wish_key(wish: str, quote_key: str) -> str:
    """The idempotency key of an order: one wish at one price as it was shown is one order, however often it is sent.

    Args:
        wish: names the wish; a fresh one whenever the form changes or an order was placed.
        quote_key: names what was shown.
    """
    return hashlib.sha256(f"{wish}|{quote_key}".encode()).hexdigest()
