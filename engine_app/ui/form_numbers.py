"""Numbers as a person types them into a form. Pure."""

from __future__ import annotations

from decimal import Decimal

from engine_app.ui.sent import legible

LONGEST_INPUT = 40


def typed(text: object) -> str:
    """What was typed into a number field, without white space and at most as long as a number can be."""
    return "".join(legible(text).split())[:LONGEST_INPUT]


def typed_percent(text: object) -> str:
    """What was typed into a field of a percentage, without the sign that stands beside the field anyway."""
    return typed(text).removesuffix("%")


def fraction(percent: str) -> Decimal:
    """A percentage as it was typed as a fraction; NaN, which every check refuses, where it is none or too large."""
    try:
        return Decimal(percent) / 100
    except ArithmeticError:
        return Decimal("NaN")
