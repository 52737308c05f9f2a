"""What a tab sends, taken as what it should be: a client may send anything under any name. Pure."""

from __future__ import annotations

LONGEST_TEXT = 100


def text(value: object, longest: int = LONGEST_TEXT) -> str:
    """What was typed, without space at its ends and cut to `longest` characters."""
    return str(value).strip()[:longest]


def fields(form: object) -> dict[str, str]:
    """The fields of a form that were filled in, by name, as they were sent; whatever is no form has none."""
    return {str(name): str(value) for name, value in form.items() if value} if isinstance(form, dict) else {}


def row_id(value: object) -> int:
    """A row's id; for anything else one that no row has."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
