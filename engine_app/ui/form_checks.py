"""Whether what was typed into a form is a number, and what is said where it is none. Pure.

The API takes exponents; a form does not: two digits after an `e` are easily typed and send a hundred times as much.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine_app.markets.errors import InvalidAmount
from engine_app.markets.tokens import visible
from engine_app.ui.figures import in_full

LONGEST_SHOWN = 24

_PLAIN = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_WITH_EXPONENT = re.compile(r"-?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", re.ASCII)
_WITH_COMMA = re.compile(r"(-?\d{1,9}),(\d{1,9})", re.ASCII)
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2},\d{3}", re.ASCII)
"""Three digits after a comma: a thousand to some, a thousandth to others."""


def plain(text: str) -> str:
    """The text of a number, as a form takes it. Raises InvalidAmount, for people, where it is none."""
    if _PLAIN.fullmatch(text):
        return text
    if not text:
        raise InvalidAmount("Enter an amount")
    raise InvalidAmount(_why_not(text))


def is_plain(text: str) -> bool:
    """Whether a text is a number as a form takes it."""
    return _PLAIN.fullmatch(text) is not None


def _why_not(text: str) -> str:
    shown = f"“{visible(text, LONGEST_SHOWN)}”"
    if _WITH_EXPONENT.fullmatch(text):
        return f"{shown} has an exponent. Write all digits of the number."
    if (parts := _WITH_COMMA.fullmatch(text)) and not _THOUSANDS.fullmatch(text):
        example = f"Write it as {parts[1]}.{parts[2]}: a"
    else:
        example = "Write it like 1234.5: digits and a"
    return f"{shown} is not a number. {example} point before the decimals, no commas."


def cut(text: str, decimals: int) -> str:
    """An amount as it was typed, without the decimals that a token does not have; empty where nothing is left.

    What is no number stays as it is.
    """
    whole, point, fraction = text.partition(".")
    if len(fraction) <= decimals or not is_plain(text):
        return text
    left = f"{whole}{point}{fraction[:decimals]}".removesuffix(".")
    return left if left.strip("-0.") else ""


def grouped(text: str) -> str:
    """An amount as it was typed, with its digits grouped; what is no number stays as it is."""
    return in_full(Decimal(text)) if is_plain(text) else text
