"""Swapping by way of a third mint, in two hops of one transaction. Pure.

No program carries over what the first hop brings, so the second spends an amount that is fixed when the transaction is
signed: `through`. The first hop is held to it, and what it leaves beside it stays the user's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from solders.pubkey import Pubkey

from engine_app.markets.routing.floor import floor_out
from engine_app.markets.routing.route import Leg, Route
from engine_app.markets.routing.split import Offers, split
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Pool, QuoteRefused, buys_exactly

ROOM = Decimal("0.5")
"""The part of an order's slippage that the first of two hops may use up."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What two hops leave with the user besides what they pay.

    Attributes:
        mint: of which: the order's mint in where the first hop buys an exact amount and so does not take all that it
            may; else the mint in between, of which the first hop brings more than the second spends.
        expected: base units at the prices that were quoted.
        at_most: base units where the first hop's pool pays, for any amount, up to the slippage more than was quoted.
    """

    mint: Pubkey
    expected: int
    at_most: int


@dataclass(frozen=True, slots=True)
class TwoHops:
    """A route of two hops, and what it leaves."""

    route: Route
    left_over: LeftOver


def through_of(quoted: int, slippage: Decimal) -> int:
    """What the second of two hops spends, of the mint in between: what the first is quoted to bring, less half of the
    slippage, and at least one unit less.

    Without any room the first hop would fail as soon as anybody else's swap came before it. With all of the slippage
    as its room it could hardly fail, but all of that would be left over by every order whose price does not move. The
    other half is not lost: the second hop has its own floor, that of the whole order, and the slippage of that.

    Args:
        quoted: base units.
        slippage: a fraction, 0.01 for 1 %.
    """
    return min(floor_out(quoted, slippage * ROOM), quoted - 1)


def two_hops(
    first: Iterable[Pool],
    second: Iterable[Pool],
    *,
    clock: ChainClock,
    mint_in: Pubkey,
    between: Pubkey,
    mint_out: Pubkey,
    amount_in: int,
    slippage: Decimal,
    max_legs: int,
    leg_cost: int,
) -> TwoHops | None:
    """The way over one mint in between that pays most; None where no pools take the amount.

    The first hop is the one pool that pays most; the second is divided over pools where that pays more than it costs.
    Where the first's program can, it buys exactly what the second spends and leaves what it does not need of the amount
    in; else it sells all of it and leaves what it brings beyond that.

    Args:
        first, second: pools of (mint_in, between) and of (between, mint_out), read at one slot, in any order.
        clock: the chain's clock of that slot.
        mint_in, between, mint_out: the way.
        amount_in: base units, above 0.
        slippage: a fraction, 0.01 for 1 %.
        max_legs: how many swaps both hops may have together, at least two.
        leg_cost: base units of `mint_out` that each leg beyond the first has to bring in.
    """
    offers = [Offers(pool, mint_in, clock) for pool in first]
    best = min(offers, key=lambda offer: (-offer.pays(amount_in), bytes(offer.pool.address)), default=None)
    if best is None or best.pays(amount_in) <= 0:
        return None
    sold = best.leg(between, amount_in)
    through = through_of(sold.amount_out, slippage)
    ending = split(
        second,
        clock=clock,
        mint_in=between,
        mint_out=mint_out,
        amount_in=through,
        max_legs=max_legs - 1,
        leg_cost=leg_cost,
    )
    if not ending:
        return None
    first_hop, left_over = _bought(sold, through, slippage, clock) or _sold(sold, through, slippage)
    return TwoHops(Route(((first_hop,), ending), amount_in), left_over)


def _sold(sold: Leg, through: int, slippage: Decimal) -> tuple[Leg, LeftOver]:
    """The first hop as one that sells all that is given."""
    more, whole = slippage.as_integer_ratio()
    at_most = sold.amount_out * (whole + more) // whole - through
    return sold, LeftOver(sold.mint_out, sold.amount_out - through, at_most)


def _bought(sold: Leg, through: int, slippage: Decimal, clock: ChainClock) -> tuple[Leg, LeftOver] | None:
    """The first hop as one that buys exactly `through` for no more than is given; None where its pool cannot.

    Where the pool pays up to the slippage more, `through` costs no less than what that amount costs now which is then
    paid as `through`.
    """
    pool = sold.pool
    if not buys_exactly(pool):
        return None
    more, whole = slippage.as_integer_ratio()
    try:
        quote = pool.quote_exact_out(sold.mint_in, through, clock)
    except QuoteRefused:
        return None
    if quote.amount_in > sold.amount_in or quote.amount_out != through:
        return None
    try:
        least = pool.quote_exact_out(sold.mint_in, through * whole // (whole + more) - 1, clock).amount_in
    except QuoteRefused:
        least = 0
    left_over = LeftOver(sold.mint_in, sold.amount_in - quote.amount_in, sold.amount_in - least)
    return Leg(pool, sold.mint_in, sold.mint_out, quote, exact_out=True), left_over
