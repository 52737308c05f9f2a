"""The two curves of Meteora DAMM v1: constant product, and the stable curve of two tokens.

Source: MeteoraAg/damm-v1-sdk (curve/constant_product.rs, curve/stable_swap.rs) and saber-hq/stable-swap
(stable-swap-math), measured on the compiled program.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine_app.markets.venues.layout import ceil_div
from engine_app.markets.venues.venue import QuoteRefused, Refusal

_NEWTON_STEPS = 256


@dataclass(frozen=True, slots=True)
class ConstantProduct:
    """The product of the reserves stays."""

    def amount_out(self, amount_in: int, reserve_in: int, reserve_out: int, a_to_b: bool) -> int:
        """Base units paid for `amount_in` base units after fees, reserves positive. Raises QuoteRefused.

        The reserve that is left rounds up.
        """
        amount_out = reserve_out - ceil_div(reserve_in * reserve_out, reserve_in + amount_in)
        if amount_out == 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys less than one unit")
        return amount_out

    def marginal_price(self, reserve_in: int, reserve_out: int, a_to_b: bool) -> tuple[int, int]:
        """(output units, input units)."""
        return reserve_out, reserve_in


@dataclass(frozen=True, slots=True)
class StableSwap:
    """The curve of tokens that are worth the same; multipliers bring both to the same decimals."""

    amplification: int
    multiplier_a: int
    multiplier_b: int

    def amount_out(self, amount_in: int, reserve_in: int, reserve_out: int, a_to_b: bool) -> int:
        """Base units paid for `amount_in` base units after fees, reserves positive; perhaps 0. Raises QuoteRefused."""
        scale_in, scale_out = self._scales(a_to_b)
        x, y = reserve_in * scale_in, reserve_out * scale_out
        left = self._other_reserve(x + amount_in * scale_in, self._invariant(x, y))
        if y - left - 1 < 0:
            raise QuoteRefused(Refusal.TOO_SMALL, "the amount buys nothing")
        return (y - left - 1) // scale_out

    def marginal_price(self, reserve_in: int, reserve_out: int, a_to_b: bool) -> tuple[int, int]:
        """(output units, input units): the curve's slope −dy/dx at the reserves. Raises QuoteRefused."""
        scale_in, scale_out = self._scales(a_to_b)
        x, y = reserve_in * scale_in, reserve_out * scale_out
        cube = self._invariant(x, y) ** 3
        common = 2 * self.amplification * 4 * x * x * y * y
        return (common + cube * y) * scale_in, (common + cube * x) * scale_out

    def _scales(self, a_to_b: bool) -> tuple[int, int]:
        return (self.multiplier_a, self.multiplier_b) if a_to_b else (self.multiplier_b, self.multiplier_a)

    def _invariant(self, x: int, y: int) -> int:
        ann, total = 2 * self.amplification, x + y
        d = total
        for _ in range(_NEWTON_STEPS):
            product = d * d // (2 * x) * d // (2 * y)
            before, d = d, d * (2 * product + total * ann) // (d * (ann - 1) + 3 * product)
            if abs(d - before) <= 1:
                break
        return d

    def _other_reserve(self, x: int, d: int) -> int:
        ann = 2 * self.amplification
        c = d * d // (2 * x) * d // (2 * ann)
        b = x + d // ann
        y = d
        for _ in range(_NEWTON_STEPS):
            divisor = 2 * y + b - d
            if divisor <= 0:
                raise QuoteRefused(Refusal.OUT_OF_RANGE, "the reserves are too far apart for the stable curve")
            before, y = y, (y * y + c) // divisor
            if abs(y - before) <= 1:
                break
        return y


Curve = ConstantProduct | StableSwap
