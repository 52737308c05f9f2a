"""Raydium CLMM: the walk of a swap from tick to tick.

Source: raydium-io/raydium-clmm, instructions/swap.rs, libraries/swap_math.rs and states/tick_array.rs (commit 03b44b7).
Where neither dynamic fee, limit orders nor fees on the output are on, it is what the compiled program of April 2026
was measured to do; those three are not measured on a compiled program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine_app.markets.venues.layout import U64_MAX, U128_MAX, ceil_div
from engine_app.markets.venues.raydium_clmm_fees import RATE, DynamicFee, on_top, total_rate, within
from engine_app.markets.venues.raydium_clmm_ticks import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    Tick,
    TickArray,
    sqrt_price_at_tick,
)
from engine_app.markets.venues.venue import QuoteRefused, Refusal

_Q64 = 1 << 64
_MAX_STEPS = 512
"""More steps than the compute units of one transaction allow, by far."""


@dataclass(frozen=True, slots=True)
class Way:
    """What lies ahead of the price in one direction.

    Attributes:
        downwards: token 0 comes in and the price falls.
        arrays: the arrays of ticks that were read, in the order they are reached.
        from_current: whether the first one holds the current tick.
        goes_on: whether the pool has more arrays behind them.
    """

    downwards: bool
    arrays: tuple[TickArray, ...]
    from_current: bool
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Where a swap begins.

    Attributes:
        sqrt_price, tick, liquidity: of the pool.
        spacing: of its ticks.
        trade_rate: parts per million.
        dynamic: the fee on top of it, None where that is off.
        now: unix seconds.
    """

    sqrt_price: int
    tick: int
    liquidity: int
    spacing: int
    trade_rate: int
    dynamic: DynamicFee | None
    now: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted: base units that reach the pool (`exact_in`) or leave it."""

    amount: int
    exact_in: bool
    fee_on_input: bool


@dataclass(frozen=True, slots=True)
class Walked:
    """What a swap does, base units: `amount_in` with and `amount_out` without the fee; and arrays it came through."""

    amount_in: int
    amount_out: int
    fee: int
    arrays: int


@dataclass(frozen=True, slots=True)
class _Step:
    """A part of a swap, base units; `amount_in` without a fee on the input, `amount_out` less one on the output."""

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


def walk(start: Start, way: Way, ask: Ask) -> Walked:
    """Follow a swap until all is swapped. Raises QuoteRefused where the program would fail."""
    walker = _Walker(start, way, ask)
    for number, tick in _ticks_ahead(start, way):
        walker.to(tick)
        if walker.left == 0:
            return Walked(walker.amount_in, walker.amount_out, walker.fee, number)
        if walker.sqrt_price == walker.limit:
            break
    raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount moves the price out of every range")


def arrays_on_the_way(start: Start, way: Way, ask: Ask) -> int:
    """How many arrays a swap comes through at most: as many as if it cost no fee. All where that cannot be told."""
    free = Start(start.sqrt_price, start.tick, start.liquidity, start.spacing, 0, None, start.now)
    try:
        return walk(free, way, ask).arrays
    except QuoteRefused:
        return len(way.arrays)


def _ticks_ahead(start: Start, way: Way) -> Iterator[tuple[int, Tick]]:
    """Each initialized tick ahead with the number of arrays up to it."""
    if not way.arrays and not way.goes_on:
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool has no liquidity in this direction")
    for number, array in enumerate(way.arrays, start=1):
        current = start.tick if way.from_current and number == 1 else None
        empty = True
        for tick in array.ticks(way.downwards, current):
            empty = False
            yield number, tick
        if empty and current is None:
            raise QuoteRefused(Refusal.UNSUPPORTED, f"the tick array {array.key} has no tick where it should")
    if way.goes_on:
        raise QuoteRefused(Refusal.UNSUPPORTED, "the amount crosses more tick arrays than were read")
    raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the amount is more than all liquidity in this direction")


class _Walker:
    """A swap under way."""

    def __init__(self, start: Start, way: Way, ask: Ask) -> None:
        self._start = start
        self._downwards = way.downwards
        self._ask = ask
        self.sqrt_price = start.sqrt_price
        self.limit = MIN_SQRT_PRICE + 1 if way.downwards else MAX_SQRT_PRICE - 1
        self.left = ask.amount
        self.amount_in = self.amount_out = self.fee = 0
        self._liquidity = start.liquidity
        self._steps = 0
        self._index = start.tick // start.spacing
        self._referred = (0, 0)
        self._accumulator = 0
        if start.dynamic:
            self._referred = start.dynamic.referred(self._index, start.now)
            self._accumulator = start.dynamic.accumulated(self._referred, self._index)
        if not MIN_SQRT_PRICE < self.sqrt_price < MAX_SQRT_PRICE or self.sqrt_price == self.limit:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the price stands at the end of its range")

    def to(self, tick: Tick) -> None:
        """Swap until the price reaches the tick, and across it, or until nothing is left."""
        there = sqrt_price_at_tick(min(max(tick.index, MIN_TICK), MAX_TICK))
        target = max(there, self.limit) if self._downwards else min(there, self.limit)
        if not (target <= self.sqrt_price if self._downwards else target >= self.sqrt_price):
            raise QuoteRefused(Refusal.UNSUPPORTED, "the pool's tick and price do not fit together")
        while True:
            self._count_step()
            rate = self._rate()
            skips, bound = self._bound(target)
            reached = bound
            if self.sqrt_price != bound:
                step = _step(
                    self.sqrt_price, bound, self._liquidity, self.left, rate, ask=self._ask, downwards=self._downwards
                )
                self._take(step)
                reached = step.sqrt_price
            self.sqrt_price = reached
            crossed = reached == there
            if crossed:
                self._cross(tick, there, rate)
            if self.left == 0 or reached == target:
                self._move_index(tick, skips, crossed)
                return
            self._move_index(tick, skips, crossed)

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount takes more steps than one transaction can do")

    def _rate(self) -> int:
        dynamic = self._start.dynamic
        if dynamic:
            self._accumulator = dynamic.accumulated(self._referred, self._index)
        return total_rate(self._start.trade_rate, dynamic, self._accumulator, self._start.spacing)

    def _bound(self, target: int) -> tuple[bool, int]:
        """How far the next step goes: to the target, or while the dynamic fee grows to the end of this spacing; and
        whether it may skip spacings."""
        dynamic = self._start.dynamic
        if dynamic is None or self._liquidity == 0 or self._accumulator == dynamic.max_accumulator:
            return True, target
        tick = (self._index if self._downwards else self._index + 1) * self._start.spacing
        end = sqrt_price_at_tick(min(max(tick, MIN_TICK), MAX_TICK))
        bound = max(target, end) if self._downwards else min(target, end)
        if not (bound <= self.sqrt_price if self._downwards else bound >= self.sqrt_price):
            raise QuoteRefused(Refusal.UNSUPPORTED, "the pool's tick and price do not fit together")
        return False, bound

    def _move_index(self, tick: Tick, skips: bool, crossed: bool) -> None:
        if self._start.dynamic is None:
            return
        if skips and crossed:
            self._index = tick.index // self._start.spacing - (0 if self._downwards else 1)
        self._index += -1 if self._downwards else 1

    def _cross(self, tick: Tick, sqrt_price: int, rate: int) -> None:
        """Fill the tick's limit orders; then its positions begin or end."""
        if tick.orders and self.left:
            filled, unfilled = _fill(self.left, tick.orders, sqrt_price, rate, ask=self._ask, downwards=self._downwards)
            self._take(filled)
            if unfilled:
                if self.left:
                    raise QuoteRefused(Refusal.UNSUPPORTED, "limit orders are left where the amount is too")
                return
        elif tick.orders:
            return
        if tick.liquidity_gross:
            self._liquidity += -tick.liquidity_net if self._downwards else tick.liquidity_net
            if not 0 <= self._liquidity <= U128_MAX:
                raise QuoteRefused(Refusal.UNSUPPORTED, "the pool's liquidity overflows")

    def _take(self, step: _Step) -> None:
        paid = step.amount_in + (step.fee if self._ask.fee_on_input else 0)
        self.amount_in += paid
        self.amount_out += step.amount_out
        self.fee += step.fee
        self.left -= paid if self._ask.exact_in else step.amount_out
        if step.fee < 0 or self.left < 0 or self.amount_in > U64_MAX or self.amount_out > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the swap overflows")


def _step(price: int, target: int, liquidity: int, left: int, rate: int, *, ask: Ask, downwards: bool) -> _Step:
    """Move the price towards the target as far as what is left carries it."""
    if ask.exact_in:
        driving = left * (RATE - rate) // RATE if ask.fee_on_input else left
    else:
        driving = left if ask.fee_on_input else ceil_div(left * RATE, RATE - rate)
    amount_in, amount_out = _amounts(price, target, liquidity, downwards)
    fits = amount_in <= U64_MAX and amount_out <= U64_MAX
    reached = target
    if not fits or driving < (amount_in if ask.exact_in else amount_out):
        next_price = _price_after_input if ask.exact_in else _price_after_output
        reached = next_price(price, liquidity, driving, downwards)
        if reached < target if downwards else reached > target:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the swap overflows")
        amount_in, amount_out = _amounts(price, reached, liquidity, downwards)
    if ask.fee_on_input:
        if ask.exact_in and reached != target:
            return _Step(reached, amount_in, amount_out, left - amount_in)
        return _Step(reached, amount_in, amount_out if ask.exact_in else min(amount_out, left), on_top(amount_in, rate))
    fee = within(amount_out, rate)
    if ask.exact_in:
        return _Step(reached, amount_in if reached == target else left, amount_out - fee, fee)
    net = min(amount_out - fee, left)
    return _Step(reached, amount_in, net, amount_out - net)


def _amounts(price: int, target: int, liquidity: int, downwards: bool) -> tuple[int, int]:
    """What moving the price to the target takes in (rounded up) and gives out (rounded down)."""
    if downwards:
        moved = liquidity * (price - target)
        return ceil_div(moved << 64, price * target), moved >> 64
    moved = liquidity * (target - price)
    return ceil_div(moved, _Q64), (moved << 64) // (price * target)


def _price_after_input(price: int, liquidity: int, amount: int, downwards: bool) -> int:
    if amount == 0:
        return price
    if downwards:
        return ceil_div((liquidity << 64) * price, (liquidity << 64) + amount * price)
    return price + (amount << 64) // liquidity


def _price_after_output(price: int, liquidity: int, amount: int, downwards: bool) -> int:
    if amount == 0:
        return price
    if downwards:
        return price - ceil_div(amount << 64, liquidity)
    rest = (liquidity << 64) - amount * price
    if rest <= 0:
        raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the amount is more than the liquidity at this price")
    return ceil_div((liquidity << 64) * price, rest)


def _fill(left: int, orders: int, sqrt_price: int, rate: int, *, ask: Ask, downwards: bool) -> tuple[_Step, int]:
    """Trade with a tick's limit orders at its price; the trade, and base units of theirs that stay unfilled."""
    price = sqrt_price**2 >> 64 if downwards else ceil_div(sqrt_price**2, _Q64)
    if price == 0:
        raise QuoteRefused(Refusal.UNSUPPORTED, "the tick's price is zero")
    if ask.exact_in:
        fee = within(left, rate) if ask.fee_on_input else 0
        amount_in = left - fee
        gross = amount_in * price >> 64 if downwards else (amount_in << 64) // price
        if gross > orders:
            gross = orders
            amount_in = _order_input(gross, price, downwards)
            fee = on_top(amount_in, rate) if ask.fee_on_input else 0
    else:
        wanted = min(left, orders)
        gross = wanted if ask.fee_on_input else min(ceil_div(wanted * RATE, RATE - rate), orders)
        amount_in = _order_input(gross, price, downwards)
        fee = on_top(amount_in, rate) if ask.fee_on_input else 0
    if ask.fee_on_input:
        return _Step(sqrt_price, amount_in, gross, fee), orders - gross
    fee = within(gross, rate)
    return _Step(sqrt_price, amount_in, gross - fee, fee), orders - gross


def _order_input(amount_out: int, price: int, downwards: bool) -> int:
    return ceil_div(amount_out << 64, price) if downwards else ceil_div(amount_out * price, _Q64)
