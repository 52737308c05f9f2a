"""Amounts of tokens: whole tokens in their own text, base units as integers. Pure."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact

from engine_app.markets.errors import InvalidAmount

MAX_UNITS = 2**64 - 1
"""Most base units that a token account holds."""

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_TEXT = 100
_EXACT = Context(prec=60, traps=[Inexact])
"""Wide enough for any amount; raises where a digit would be lost."""
_ONE = Decimal(1)


def parse_amount(amount: str | Decimal, decimals: int) -> int:
    """Base units of an amount in whole tokens, exactly.

    Args:
        amount: a decimal number in its own text ("1.5", "1e-3"), or the Decimal that a JSON number became.
        decimals: decimal places of the token.

    Raises:
        InvalidAmount: no number, not above zero, more decimal places than the token has, or more than a token
            account holds.
    """
    value = _parse(amount) if isinstance(amount, str) else amount
    if not value.is_finite():
        raise InvalidAmount("the amount is not a number")
    if value <= 0:
        raise InvalidAmount("the amount is not above zero")
    if value.adjusted() + decimals >= len(str(MAX_UNITS)):
        raise InvalidAmount("the amount is more than a token account can hold")
    try:
        units = int(_EXACT.quantize(_EXACT.scaleb(value, decimals), _ONE))
    except Inexact:
        raise InvalidAmount(f"the amount has more than the token's {decimals} decimal places") from None
    if units > MAX_UNITS:
        raise InvalidAmount("the amount is more than a token account can hold")
    return units


def whole(amount_units: int, decimals: int) -> Decimal:
    """The amount in whole tokens, exactly, without zeros at its end; from base units."""
    value = _EXACT.scaleb(Decimal(amount_units), -decimals)
    return _EXACT.quantize(value, _ONE) if value == value.to_integral_value() else _EXACT.normalize(value)


def visible(text: str, longest: int) -> str:
    """A text that anybody may have typed as an error quotes it: cut to `longest` characters, and `�` for each that
    cannot be seen."""
    seen = "".join(character if character.isprintable() else "�" for character in text[:longest])
    return f"{seen}…" if len(text) > longest else seen


def _parse(text: str) -> Decimal:
    if len(text) > _LONGEST_TEXT or not _NUMBER.fullmatch(text):
        raise InvalidAmount(f"'{visible(text, _LONGEST_TEXT)}' is not a decimal number")
    return Decimal(text)
