"""Meteora DAMM v2: the base fee in its five modes, and the dynamic fee on top of it.

Fees are numerators over 1,000,000,000 of the amount. Source: MeteoraAg/damm-v2 (programs/cp-amm, 0.2.x), base_fee/
and state/fee.rs, measured on the compiled program 0.2.0.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.layout import U64_MAX, U128_MAX, ceil_div, u8, u16, u32, u64, u128
from engine_app.markets.venues.venue import QuoteRefused, Refusal

FEE_DENOMINATOR = 1_000_000_000
_BASIS_POINTS = 10_000
_BASIS_POINT_NUMERATOR = FEE_DENOMINATOR // _BASIS_POINTS
_ONE_Q64 = 1 << 64
_DYNAMIC_FEE_SCALE = 100_000_000_000
_MAX_FEE_BY_VERSION = {0: 500_000_000, 1: 990_000_000}


@dataclass(frozen=True, slots=True)
class FeeContext:
    """What a base fee may depend on.

    Attributes:
        elapsed: slots or seconds since the pool's activation, by its activation type.
        amount_in: base units that reach the pool, before pool fees.
        a_to_b: the direction.
        initial_sqrt_price: Q64, at the pool's creation.
        sqrt_price: Q64, now.
    """

    elapsed: int
    amount_in: int
    a_to_b: bool
    initial_sqrt_price: int
    sqrt_price: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """A fee that falls period by period from `cliff`: by `factor` each, or by `factor` basis points of itself."""

    cliff: int
    exponential: bool
    factor: int
    periods: int

    def after(self, period: int) -> int:
        """The fee after so many periods, at most `periods`. Raises QuoteRefused where the program overflows."""
        period = min(period, self.periods)
        if not self.exponential:
            fee = self.cliff - self.factor * period
            if fee < 0:
                raise _overflow("the fee schedule falls below zero")
            return fee
        if self.factor == 0:
            return self.cliff
        step = (self.factor << 64) // _BASIS_POINTS
        if step > _ONE_Q64:
            raise _overflow("the fee schedule falls below zero")
        return _power_q64(_ONE_Q64 - step, period) * self.cliff >> 64


@dataclass(frozen=True, slots=True)
class TimeSchedule:
    """Modes 0 and 1: the fee falls every `frequency` slots or seconds; never, where that is 0."""

    reduction: Reduction
    frequency: int

    def numerator(self, context: FeeContext) -> int:
        if self.frequency == 0:
            return self.reduction.cliff
        return self.reduction.after(context.elapsed // self.frequency)


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Mode 2: for `max_duration` after activation, buying token A costs more the more is bought at once."""

    cliff: int
    increment_bps: int
    max_duration: int
    max_fee_bps: int
    reference_amount: int

    def applies(self, context: FeeContext) -> bool:
        """Whether this swap pays by its size."""
        switched_on = (self.reference_amount or self.max_duration or self.max_fee_bps or self.increment_bps) != 0
        return switched_on and not context.a_to_b and context.elapsed <= self.max_duration

    def numerator(self, context: FeeContext) -> int:
        if not self.applies(context) or context.amount_in <= self.reference_amount:
            return self.cliff
        return self._by_size(context.amount_in)

    def _by_size(self, amount_in: int) -> int:
        """The mean fee of `amount_in`: each further `reference_amount` of it pays one increment more."""
        increment = self.increment_bps * _BASIS_POINT_NUMERATOR
        max_fee = self.max_fee_bps * _BASIS_POINT_NUMERATOR
        if self.reference_amount == 0 or increment == 0 or max_fee < self.cliff:
            raise _overflow("the rate limiter has no valid steps")
        full_steps, rest = divmod(amount_in - self.reference_amount, self.reference_amount)
        max_steps = (max_fee - self.cliff) // increment
        steps = min(full_steps, max_steps)
        stepped = self.cliff + self.cliff * steps + increment * steps * (steps + 1) // 2
        if full_steps < max_steps:
            rest_fee = rest * (self.cliff + increment * (steps + 1))
        else:
            rest_fee = ((full_steps - max_steps) * self.reference_amount + rest) * max_fee
        fee = ceil_div(self.reference_amount * stepped + rest_fee, FEE_DENOMINATOR)
        return ceil_div(fee * FEE_DENOMINATOR, amount_in)


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """Modes 3 and 4: the fee falls with every `step_bps` that the root of the price has grown, until it expires."""

    reduction: Reduction
    step_bps: int
    expiration: int

    def numerator(self, context: FeeContext) -> int:
        if context.elapsed > self.expiration:
            return self.reduction.after(self.reduction.periods)
        growth = context.sqrt_price - context.initial_sqrt_price
        if growth <= 0:
            return self.reduction.after(0)
        if context.initial_sqrt_price == 0 or self.step_bps == 0:
            raise _overflow("the fee schedule has no valid steps")
        return self.reduction.after(growth * _BASIS_POINTS // context.initial_sqrt_price // self.step_bps)


BaseFee = TimeSchedule | RateLimiter | PriceSchedule


@dataclass(frozen=True, slots=True)
class DynamicFee:
    """The fee for volatility, from the accumulator as stored: the program renews it only after the swap."""

    volatility_accumulator: int
    bin_step: int
    control: int

    def numerator(self) -> int:
        square = (self.volatility_accumulator * self.bin_step) ** 2
        if square * self.control > U128_MAX:
            raise _overflow("the dynamic fee overflows")
        return ceil_div(square * self.control, _DYNAMIC_FEE_SCALE)


@dataclass(frozen=True, slots=True)
class PoolFees:
    """Base fee, dynamic fee (None where it is off) and the cap on their sum."""

    base: BaseFee
    dynamic: DynamicFee | None
    maximum: int

    def numerator(self, context: FeeContext) -> int:
        """The whole fee of a swap. Raises QuoteRefused where the program overflows."""
        total = self.base.numerator(context)
        if self.dynamic:
            total += self.dynamic.numerator()
        if total > U64_MAX:
            raise _overflow("the fee overflows")
        return min(total, self.maximum)


def decode_pool_fees(data: bytes) -> PoolFees:
    """The fees of a pool account of 1112 bytes: base fee@8, dynamic fee@56, fee version@486. Raises DecodeError."""
    maximum = _MAX_FEE_BY_VERSION.get(u8(data, 486))
    if maximum is None:
        raise DecodeError(f"the pool has the unknown fee version {u8(data, 486)}")
    dynamic = DynamicFee(
        volatility_accumulator=u128(data, 120),
        bin_step=u16(data, 72),
        control=u32(data, 68),
    )
    return PoolFees(_decode_base_fee(data), dynamic if u8(data, 56) else None, maximum)


def _decode_base_fee(data: bytes) -> BaseFee:
    cliff, mode = u64(data, 8), u8(data, 16)
    if mode in {0, 1}:
        reduction = Reduction(cliff, exponential=mode == 1, factor=u64(data, 32), periods=u16(data, 22))
        return TimeSchedule(reduction, frequency=u64(data, 24))
    if mode == 2:
        return RateLimiter(
            cliff,
            increment_bps=u16(data, 22),
            max_duration=u32(data, 24),
            max_fee_bps=u32(data, 28),
            reference_amount=u64(data, 32),
        )
    if mode in {3, 4}:
        reduction = Reduction(cliff, exponential=mode == 4, factor=u64(data, 32), periods=u16(data, 22))
        return PriceSchedule(reduction, step_bps=u32(data, 24), expiration=u32(data, 28))
    raise DecodeError(f"the pool has the unknown base fee mode {mode}")


def _power_q64(base: int, exponent: int) -> int:
    """base^exponent in Q64 for 0 <= base < 1, by squaring, every product rounded down (math/fee_math.rs `pow`)."""
    if exponent == 0:
        return _ONE_Q64
    result = _ONE_Q64
    while exponent:
        if exponent & 1:
            result = result * base >> 64
        base = base * base >> 64
        exponent >>= 1
    if result == 0:
        raise _overflow("the fee schedule falls to zero")
    return result


def _overflow(detail: str) -> QuoteRefused:
    return QuoteRefused(Refusal.UNSUPPORTED, f"{detail}; the program would refuse any swap")
