"""JSON whose numbers keep every digit: a Decimal is written as a number with its own text, never through a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, WithJsonSchema

ExactNumber = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""A Decimal in a model that is sent by `dumps`, described as the JSON number it becomes."""


def number(value: Decimal) -> str:
    """A Decimal's exact text as a JSON number, without exponent and without zeros at its end."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(number(value))
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """JSON of plain values, Decimals, datetimes (UTC, with Z), UUIDs and pydantic models (by alias)."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
