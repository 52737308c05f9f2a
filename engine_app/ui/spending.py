"""How much of a balance an order may ask for. Pure; amounts are whole tokens."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

SOL_KEPT = Decimal("0.01")
"""SOL that *Max* leaves for fees and rents."""

SHARES = (1, 2)
"""What the form's buttons divide the balance by."""


def share(available: Decimal, divisor: int, *, token: str, decimals: int) -> Decimal:
    """What *Max* (divisor 1) or *Half* (2) fills in: the share of a balance, rounded down to the token's decimals.

    Of SOL, what fees and rents need stays out of the balance that is shared; never below zero.
    """
    spendable = max(available - SOL_KEPT, Decimal(0)) if token == "SOL" else available  # noqa: S105
    return (spendable / divisor).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)


def falls_short(asked: Decimal, available: Decimal | None) -> bool:
    """Whether a balance is too small for an amount; an unknown balance (None) is not said to be."""
    return available is not None and asked > available
