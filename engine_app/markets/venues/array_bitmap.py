"""Which numbered arrays of a pool hold any liquidity, as the bits of one integer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArrayBitmap:
    """Arrays from number `lowest` on, `size` of them; a set bit means that the array holds liquidity."""

    bits: int
    lowest: int
    size: int

    def holds(self, index: int) -> bool:
        """Whether the array number `index` holds liquidity."""
        return 0 <= index - self.lowest < self.size and bool(self.bits >> (index - self.lowest) & 1)

    def ahead(self, index: int, downwards: bool) -> Iterator[int]:
        """Numbers of the arrays that a swap starting in `index` reaches, in order: that one first if it has a bit."""
        if self.holds(index):
            yield index
        at = min(max(index - self.lowest, -1), self.size)
        if downwards:
            left = self.bits & ((1 << max(at, 0)) - 1)
            while left:
                highest = left.bit_length() - 1
                yield highest + self.lowest
                left ^= 1 << highest
        else:
            left = self.bits >> (at + 1) << (at + 1)
            while left:
                nearest = left & -left
                yield nearest.bit_length() - 1 + self.lowest
                left ^= nearest
