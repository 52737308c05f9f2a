"""Numbers as a person types them into a form. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

LONGEST_INPUT = 40


def typed(text: object) -> str:
    """What was typed into a number field, without spaces and at most as long as a number can be."""
    return str(text).replace(" ", "").replace("\u00a0", "")[:LONGEST_INPUT]


def fraction(percent: str) -> Decimal:
    """A percentage as it was typed as a fraction; NaN where it is no number, which every check refuses."""
    try:
        return Decimal(percent) / 100
    except InvalidOperation:
        return Decimal("NaN")
