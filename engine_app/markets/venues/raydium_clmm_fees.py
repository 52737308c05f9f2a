"""Raydium CLMM: what the pool keeps of a swap. Rates are parts per million.

Source: raydium-io/raydium-clmm, states/pool_fee.rs and instructions/swap.rs (commit 03b44b7). The dynamic fee and fees
taken off the output are newer than the compiled program that was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine_app.markets.venues.layout import ceil_div, i32, u16, u32, u64

RATE = 1_000_000
_MAX_RATE = 100_000
_ACCUMULATOR_SCALE = 10_000
_REDUCTION_DENOMINATOR = 10_000
_CONTROL_DENOMINATOR = 100_000
_DYNAMIC_FEE_SIZE = 80


@dataclass(frozen=True, slots=True)
class DynamicFee:
    """A fee that grows with the square of the distance in price, and falls with time.

    Attributes:
        filter_period, decay_period: seconds; before the first nothing changes, after the second all is forgotten.
        reduction: of the accumulator that is kept in between, over 10⁴.
        control: of the squared distance that becomes the fee, over 10⁵.
        max_accumulator: most that the accumulator becomes.
        reference_index: the price that distance is counted from, in units of the pool's spacing.
        reference, accumulator: of volatility.
        updated_at: unix seconds.
    """

    filter_period: int
    decay_period: int
    reduction: int
    control: int
    max_accumulator: int
    reference_index: int
    reference: int
    accumulator: int
    updated_at: int

    def referred(self, index: int, now: int) -> tuple[int, int]:
        """Reference index and volatility reference of a swap that starts at `index` at `now` (unix seconds)."""
        elapsed = max(now - self.updated_at, 0)
        if elapsed < self.filter_period:
            return self.reference_index, self.reference
        if elapsed < self.decay_period:
            return index, self.accumulator * self.reduction // _REDUCTION_DENOMINATOR
        return index, 0

    def accumulated(self, referred: tuple[int, int], index: int) -> int:
        """The accumulator once the price stands in the spacing number `index`."""
        reference_index, reference = referred
        return min(reference + abs(reference_index - index) * _ACCUMULATOR_SCALE, self.max_accumulator)

    def rate(self, accumulator: int, spacing: int) -> int:
        """What comes on top of the trade fee."""
        scale = _CONTROL_DENOMINATOR * _ACCUMULATOR_SCALE**2
        return min(ceil_div(self.control * (accumulator * spacing) ** 2, scale), _MAX_RATE)


def decode_dynamic_fee(data: bytes) -> DynamicFee | None:
    """The dynamic fee of a pool account, 80 bytes@1096; None where they are all zero: it is off."""
    if data[1096 : 1096 + _DYNAMIC_FEE_SIZE] == bytes(_DYNAMIC_FEE_SIZE):
        return None
    return DynamicFee(
        filter_period=u16(data, 1096),
        decay_period=u16(data, 1098),
        reduction=u16(data, 1100),
        control=u32(data, 1102),
        max_accumulator=u32(data, 1106),
        reference_index=i32(data, 1110),
        reference=u32(data, 1114),
        accumulator=u32(data, 1118),
        updated_at=u64(data, 1122),
    )


def total_rate(trade: int, dynamic: DynamicFee | None, accumulator: int, spacing: int) -> int:
    """The whole rate: the trade fee alone, or with the dynamic one on top and a cap on both."""
    if dynamic is None:
        return trade
    return min(trade + dynamic.rate(accumulator, spacing), _MAX_RATE)


def on_top(amount: int, rate: int) -> int:
    """The fee that has to be paid beside `amount`, rounded up."""
    return ceil_div(amount * rate, RATE - rate)


def within(amount: int, rate: int) -> int:
    """The fee out of `amount`, rounded up."""
    return ceil_div(amount * rate, RATE)
