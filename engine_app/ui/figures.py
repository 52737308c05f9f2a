"""Numbers as people read them. Pure: exact values come in, text goes out, nothing is ever rounded up."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from engine_app.exact_json import number

BASIS_POINTS = Decimal(10_000)


def exact(value: object) -> Decimal:
    """A number from JSON or Python as the decimal its own text says; raises for what is no number."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def amount(value: Decimal) -> str:
    """An amount of whole tokens: grouped, cut (never rounded up) to what the eye can use.

    Four decimals from 1 on, two from 100,000 on, six significant digits below 1.
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 100_000:
        places = 2
    elif size >= 1:
        places = 4
    else:
        places = 5 - size.adjusted()
    cut = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
    whole, _, fraction = number(cut).partition(".")
    grouped = f"{int(whole):,}"
    if whole.startswith("-") and not grouped.startswith("-"):
        grouped = f"-{grouped}"
    return f"{grouped}.{fraction}" if fraction else grouped


def in_full(value: Decimal) -> str:
    """An amount with every digit it has, grouped: `7,801,488.281668`."""
    whole, _, fraction = number(abs(value)).partition(".")
    grouped = f"{'-' if value < 0 else ''}{int(whole):,}"
    return f"{grouped}.{fraction}" if fraction else grouped


def price(value: Decimal) -> str:
    """A price with six significant digits, grouped."""
    if value == 0:
        return "0"
    places = max(5 - value.adjusted(), 0)
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    whole, _, fraction = number(rounded).partition(".")
    return f"{int(whole):,}.{fraction}" if fraction else f"{int(whole):,}"


def percent(fraction: Decimal, places: int = 2) -> str:
    """A fraction as a percentage: 0.01 is `1%`. Anything above zero that would read as 0 says `< 0.01%`."""
    least = Decimal(1).scaleb(-places)
    value = fraction * 100
    if 0 < value < least:
        return f"< {number(least)}%"
    return f"{number(value.quantize(least, rounding=ROUND_HALF_EVEN))}%"


def lead_basis_points(best: Decimal, other: Decimal) -> str:
    """By how much `best` beats `other`, in basis points of `other`, with one decimal."""
    lead = ((best / other - 1) * BASIS_POINTS).quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
    return f"{lead:,} bps"


def since(start: datetime, end: datetime) -> str:
    """The time from one moment to another: `+84 ms`, `+1.32 s`, `+2 min 5 s`."""
    return f"+{duration(end - start)}"


def duration(span: timedelta) -> str:
    """A stretch of time, none below zero: `84 ms`, `1.32 s`, `2 min 5 s`."""
    milliseconds = max(span, timedelta(0)) // timedelta(milliseconds=1)
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.2f} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes} min {seconds} s"


def moment(text: object) -> datetime:
    """The time that an ISO 8601 text of the engine's JSON names; a datetime passes as it is."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(str(text))


def shortened(text: str, head: int = 4, tail: int = 4) -> str:
    """A long identifier by its two ends: `7xKX…gAsU`."""
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"
