"""What a tab sends, taken as what it should be: a client may send anything under any name. Pure."""

from __future__ import annotations

LONGEST_TEXT = 100


def legible(value: object) -> str:
    """What was typed, as text that can be stored and sent back: halves of characters, which JSON can say and UTF-8
    cannot, are question marks."""
    return str(value).encode(errors="replace").decode()


def text(value: object, longest: int = LONGEST_TEXT) -> str:
    """The same without space at its ends and cut to `longest` characters."""
    return legible(value).strip()[:longest]


def fields(form: object) -> dict[str, str]:
    """The fields of a form that were filled in, by name, as they were sent; whatever is no form has none."""
    return {legible(name): legible(value) for name, value in form.items() if value} if isinstance(form, dict) else {}


def row_id(value: object) -> int:
    """A row's id; for anything else one that no row has."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
