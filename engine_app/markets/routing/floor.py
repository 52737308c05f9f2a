"""The one place that computes the least an order accepts."""

from __future__ import annotations

from decimal import Decimal


def floor_out(quoted_out: int, slippage: Decimal, *, at_least: int = 0) -> int:
    """floor(quoted_out × (1 − slippage)), exactly, or `at_least` where that is more.

    Args:
        quoted_out: base units of the output token.
        slippage: a fraction, 0.01 for 1 %.
        at_least: an absolute floor beside slippage, base units of the output token.

    Raises:
        ValueError: slippage is not a number from 0 to below 1.
    """
    if not slippage.is_finite() or not 0 <= slippage < 1:
        raise ValueError(f"slippage {slippage} is not a fraction from 0 to below 1")
    lost, whole = slippage.as_integer_ratio()
    return max(quoted_out * (whole - lost) // whole, at_least)
