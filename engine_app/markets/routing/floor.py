"""The one place that computes the least an order accepts."""

from __future__ import annotations

from decimal import Decimal


def floor_out(quoted_out: int, slippage: Decimal) -> int:
    """floor(quoted_out × (1 − slippage)), exactly.

    Args:
        quoted_out: base units of the output token.
        slippage: a fraction, 0.01 for 1 %.

    Raises:
        ValueError: slippage is not a number from 0 to below 1.
    """
    if not slippage.is_finite() or not 0 <= slippage < 1:
        raise ValueError(f"slippage {slippage} is not a fraction from 0 to below 1")
    lost, whole = slippage.as_integer_ratio()
    return quoted_out * (whole - lost) // whole
