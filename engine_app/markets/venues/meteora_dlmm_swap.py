"""Meteora DLMM: the walk of a swap from bin to bin, and its fee.

Source: MeteoraAg/dlmm-sdk (commons/src/quote.rs, extensions/lb_pair.rs), measured on the compiled programs 0.10.1 and
0.12.0. Exact amounts out follow the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine_app.markets.venues.layout import U64_MAX, ceil_div
from engine_app.markets.venues.meteora_dlmm_bins import Bin, BinArray
from engine_app.markets.venues.venue import QuoteRefused, Refusal

_RATE = 1_000_000_000
_MAX_RATE = 100_000_000
_BASIS_POINTS = 10_000
_VARIABLE_SCALE = 100_000_000_000


@dataclass(frozen=True, slots=True)
class PairFee:
    """The fee of a pair, over 10⁹ of the amount: a base, and a part that grows with the bins the price comes through.

    Attributes:
        base: the fixed part.
        bin_step: basis points between two bins.
        control: of the squared volatility that becomes the variable part.
        filter_period, decay_period: seconds; before the first nothing changes, after the second all is forgotten.
        reduction: of the accumulator that is kept in between, basis points.
        max_accumulator: most that the accumulator becomes.
        accumulator, reference: of volatility.
        reference_bin: the bin that distance is counted from.
        updated_at: unix seconds.
    """

    base: int
    bin_step: int
    control: int
    filter_period: int
    decay_period: int
    reduction: int
    max_accumulator: int
    accumulator: int
    reference: int
    reference_bin: int
    updated_at: int

    def referred(self, active: int, now: int) -> tuple[int, int]:
        """Reference bin and volatility reference of a swap that starts in bin `active` at `now` (unix seconds)."""
        elapsed = now - self.updated_at
        if elapsed < self.filter_period:
            return self.reference_bin, self.reference
        if elapsed < self.decay_period:
            return active, self.accumulator * self.reduction // _BASIS_POINTS
        return active, 0

    def rate(self, referred: tuple[int, int], bin_id: int) -> int:
        """The rate in a bin."""
        reference_bin, reference = referred
        accumulator = min(reference + abs(reference_bin - bin_id) * _BASIS_POINTS, self.max_accumulator)
        variable = ceil_div(self.control * (accumulator * self.bin_step) ** 2, _VARIABLE_SCALE)
        return min(self.base + variable, _MAX_RATE)


@dataclass(frozen=True, slots=True)
class Way:
    """What lies ahead of the price in one direction.

    Attributes:
        downwards: X comes in, Y leaves and the price falls.
        arrays: the arrays of bins that were read, in the order they are reached.
        from_active: whether the first one holds the active bin.
        goes_on: whether the pair has more arrays behind them.
        limit_orders: whether bins hold limit orders that swaps fill.
    """

    downwards: bool
    arrays: tuple[BinArray, ...]
    from_active: bool
    goes_on: bool
    limit_orders: bool

    def bins(self, active: int) -> Iterator[tuple[int, Bin]]:
        """Each bin ahead with something in it, and the number of arrays up to it. Raises QuoteRefused at the end."""
        for number, array in enumerate(self.arrays, start=1):
            current = active if self.from_active and number == 1 else None
            for found in array.bins(self.downwards, self.limit_orders, current):
                if found.price == 0:
                    raise QuoteRefused(Refusal.UNSUPPORTED, f"bin {found.bin_id} has no price")
                yield number, found
        if self.goes_on:
            raise QuoteRefused(Refusal.UNSUPPORTED, "the amount comes through more bin arrays than were read")
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the amount is more than all liquidity in this direction")


@dataclass(frozen=True, slots=True)
class Walked:
    """What a swap does, base units, fee included in one of both; and the arrays that it came through."""

    amount_in: int
    amount_out: int
    fee: int
    arrays: int


@dataclass(frozen=True, slots=True)
class _Fill:
    """What one bin does, base units: `amount_in` comes in and `amount_out` leaves, the fee in one of them."""

    amount_in: int
    amount_out: int
    fee: int


def walk_in(amount: int, way: Way, *, active: int, fee: PairFee, fee_on_input: bool, now: int) -> Walked:
    """Swap exactly `amount` base units, above 0. Raises QuoteRefused."""
    referred = fee.referred(active, now)
    left, amount_out, fees = amount, 0, 0
    for number, found in way.bins(active):
        fill = _fill_in(found, left, way.downwards, fee.rate(referred, found.bin_id), fee_on_input)
        left -= fill.amount_in
        amount_out += fill.amount_out
        fees += fill.fee
        if left == 0:
            return Walked(amount, _within_u64(amount_out), fees, number)
    raise AssertionError("bins end with a refusal")


def walk_out(amount: int, way: Way, *, active: int, fee: PairFee, fee_on_input: bool, now: int) -> Walked:
    """Swap for exactly `amount` base units, above 0. Raises QuoteRefused."""
    referred = fee.referred(active, now)
    left, amount_in, fees = amount, 0, 0
    for number, found in way.bins(active):
        fill = _fill_out(found, left, way.downwards, fee.rate(referred, found.bin_id), fee_on_input)
        left -= fill.amount_out
        amount_in += fill.amount_in
        fees += fill.fee
        if left == 0:
            return Walked(_within_u64(amount_in), amount, fees, number)
    raise AssertionError("bins end with a refusal")


def arrays_on_the_way(amount: int, way: Way, active: int) -> int:
    """How many arrays a swap of `amount` base units comes through at most: as many as if it cost no fee."""
    left = amount
    try:
        for number, found in way.bins(active):
            left -= _fill_in(found, left, way.downwards, 0, fee_on_input=True).amount_in
            if left <= 0:
                return number
    except QuoteRefused:
        pass
    return len(way.arrays)


def _fill_in(found: Bin, left: int, downwards: bool, rate: int, fee_on_input: bool) -> _Fill:
    """What the bin pays for at most `left`: liquidity first, then processed and then open limit orders."""
    fee = ceil_div(left * rate, _RATE) if fee_on_input else 0
    swapped = left - fee
    rest, gross = swapped, 0
    for offered in (found.amount, found.processed_orders, found.open_orders):
        if offered and rest:
            emptying = _price_in(offered, found.price, downwards)
            if rest >= emptying:
                rest -= emptying
                gross += offered
            else:
                gross += _paid_out(rest, found.price, downwards)
                rest = 0
    paid = left
    if rest:
        swapped -= rest
        fee = ceil_div(swapped * rate, _RATE - rate) if fee_on_input else 0
        paid = swapped + fee
    if fee_on_input:
        return _Fill(paid, gross, fee)
    fee = ceil_div(gross * rate, _RATE)
    return _Fill(paid, gross - fee, fee)


def _fill_out(found: Bin, left: int, downwards: bool, rate: int, fee_on_input: bool) -> _Fill:
    """What the bin takes for at most `left`."""
    gross = left if fee_on_input else left + ceil_div(left * rate, _RATE - rate)
    if gross >= found.amount + found.processed_orders + found.open_orders:
        return _fill_in(found, U64_MAX, downwards, rate, fee_on_input)
    swapped, rest = 0, gross
    for offered in (found.amount, found.processed_orders, found.open_orders):
        taken = min(rest, offered)
        swapped += _price_in(taken, found.price, downwards)
        rest -= taken
    paid = swapped + ceil_div(swapped * rate, _RATE - rate) if fee_on_input else swapped
    fill = _fill_in(found, _within_u64(paid), downwards, rate, fee_on_input)
    return _Fill(fill.amount_in, left, fill.fee)


def _price_in(amount_out: int, price: int, downwards: bool) -> int:
    """What `amount_out` of a bin costs, rounded up. Raises QuoteRefused where the program overflows."""
    return _within_u64(ceil_div(amount_out << 64, price) if downwards else ceil_div(amount_out * price, 1 << 64))


def _paid_out(amount_in: int, price: int, downwards: bool) -> int:
    return _within_u64(amount_in * price >> 64 if downwards else (amount_in << 64) // price)


def _within_u64(amount: int) -> int:
    if amount > U64_MAX:
        raise QuoteRefused(Refusal.OUT_OF_RANGE, "the swap overflows")
    return amount
