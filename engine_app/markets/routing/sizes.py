"""What each exchange's best single pool pays for amounts of any size, and where one overtakes the other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from solders.pubkey import Pubkey

from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Dex, Pool, QuoteRefused

STEPS = 12
"""Sizes on each side of the one in the middle."""
SPREAD = 100
"""How many times the middle the largest size is, and the middle the smallest."""
CLOSE_ENOUGH = 100
"""An overtaking is found to one part in so many of its size."""


@dataclass(frozen=True, slots=True)
class SizePoint:
    """An amount in, and what each exchange's best pool pays for it; base units. An exchange that has no pool which
    takes the amount is missing."""

    amount_in: int
    amounts_out: Mapping[Dex, int]

    @property
    def leader(self) -> Dex | None:
        """The exchange that pays most; None where none pays, and where all pay the same."""
        best = max(self.amounts_out.values(), default=0)
        leaders = [dex for dex, amount in self.amounts_out.items() if amount == best]
        return leaders[0] if len(leaders) == 1 else None


@dataclass(frozen=True, slots=True)
class Overtaking:
    """From about this amount in on, base units, `leader` pays most."""

    amount_in: int
    leader: Dex


@dataclass(frozen=True, slots=True)
class PriceBySize:
    """What is paid for rising amounts around one, and where the lead changes."""

    points: tuple[SizePoint, ...]
    overtakings: tuple[Overtaking, ...]


def price_by_size(
    pools: Iterable[Pool], *, clock: ChainClock, mint_in: Pubkey, mint_out: Pubkey, around: int
) -> PriceBySize:
    """Ask the pools of a pair for amounts from a hundredth to a hundred times of `around` base units.

    Args:
        pools: read at one slot; those of other pairs are left out.
        clock: the chain's clock of that slot.
        mint_in, mint_out: the pair.
        around: base units, above 0.
    """
    of_pair = [pool for pool in pools if frozenset(pool.mints) == frozenset((mint_in, mint_out))]

    def at(amount_in: int) -> SizePoint:
        return _point(of_pair, clock, mint_in, amount_in)

    def leads(leader: Dex) -> Callable[[int], bool]:
        return lambda amount_in: at(amount_in).leader == leader

    points = [at(amount) for amount in _sizes(around)]
    led = [(point.amount_in, leader) for point in points if (leader := point.leader) is not None]
    changes = [(low, high, leader) for (low, led_by), (high, leader) in pairwise(led) if led_by != leader]
    return PriceBySize(
        tuple(point for point in points if point.amounts_out),
        tuple(Overtaking(_found(low, high, leads(leader)), leader) for low, high, leader in changes),
    )


def _sizes(around: int) -> Sequence[int]:
    """Rising amounts, each in about the same ratio to the next, of two significant digits but the one in the middle."""
    found = {around}
    for step in range(-STEPS, STEPS + 1):
        amount = int(around * Decimal(SPREAD) ** (Decimal(step) / STEPS))
        coarse = 10 ** max(len(str(amount)) - 2, 0)
        if step and amount:
            found.add(amount // coarse * coarse)
    return sorted(found)


def _point(pools: Iterable[Pool], clock: ChainClock, mint_in: Pubkey, amount_in: int) -> SizePoint:
    amounts: dict[Dex, int] = {}
    for pool in pools:
        try:
            amount_out = pool.quote_exact_in(mint_in, amount_in, clock).amount_out
        except QuoteRefused:
            continue
        if amount_out > amounts.get(pool.dex, 0):
            amounts[pool.dex] = amount_out
    return SizePoint(amount_in, amounts)


def _found(low: int, high: int, leads: Callable[[int], bool]) -> int:
    """About the least amount, above `low` and up to `high`, from which on it leads, if it overtakes once between."""
    while high - low > high // CLOSE_ENOUGH + 1:
        middle = (low + high) // 2
        if leads(middle):
            high = middle
        else:
            low = middle
    return high
