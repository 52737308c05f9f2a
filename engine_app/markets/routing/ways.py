"""The ways on which an amount of one mint can become another: one pool, several at once, or over a third mint. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from solders.pubkey import Pubkey

from engine_app.markets.routing.hops import LeftOver, two_hops
from engine_app.markets.routing.price import route_impact
from engine_app.markets.routing.route import Route
from engine_app.markets.routing.split import Offers, legs_of
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Pool

MAX_LEGS = 3
"""Swaps that a route has at most."""


class WayKind(StrEnum):
    """How a route leads from one mint to the other."""

    POOL = "pool"
    SPLIT = "split"
    TWO_HOPS = "two hops"


@dataclass(frozen=True, slots=True)
class Way:
    """A route that was found, and what it is worth.

    Attributes:
        kind: how it leads.
        route: its legs.
        net_out: base units of the order's mint out that it pays, less what its legs beyond the first cost.
        left_over: what it leaves with the user besides; None for a single hop.
        too_steep: whether it moves prices more than is allowed, so that no order may take it.
    """

    kind: WayKind
    route: Route
    net_out: int
    left_over: LeftOver | None = None
    too_steep: bool = False

    @property
    def between(self) -> Pubkey | None:
        """The mint in between of two hops."""
        return None if self.kind is not WayKind.TWO_HOPS else self.route.hops[0][0].mint_out


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted, and within what limits.

    Attributes:
        clock: the chain's clock of the pools' slot.
        mint_in, mint_out: the pair.
        amount_in: base units.
        slippage: a fraction; gives two hops their room.
        max_legs: swaps that a route has at most; one allows neither a split nor two hops.
        hubs: mints over which two hops may lead.
        leg_cost: base units of `mint_out` that each leg beyond the first has to bring in: its network fee.
        max_price_impact: a fraction; what moves prices more is taken only where nothing else is.
    """

    clock: ChainClock
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    slippage: Decimal
    max_legs: int
    hubs: Sequence[Pubkey]
    leg_cost: int
    max_price_impact: Decimal


def ways(asked: Asked, direct: Sequence[Offers], pools: Sequence[Pool]) -> tuple[Way, ...]:
    """Every way that pays something, the one that pays most net first: the best pool alone, the best split, and the
    best two hops over each hub. Those that move prices more than is allowed come last: a pool far off the market may
    pay most and still be of no use. Of those that pay the same the one with fewer legs comes first.

    Args:
        asked: what is wanted.
        direct: the pair's own pools, in the order of their addresses.
        pools: all that were read.
    """
    found = [*_direct(asked, direct), *_over_hubs(asked, pools)]
    return tuple(sorted(found, key=rank))


def rank(way: Way) -> tuple[bool, int, int, list[bytes]]:
    """Orders ways, the best first."""
    legs = way.route.legs
    return way.too_steep, -way.net_out, len(legs), [bytes(leg.pool.address) for leg in legs]


def _direct(asked: Asked, direct: Sequence[Offers]) -> list[Way]:
    found = _single(asked, direct)
    if asked.max_legs > 1:
        legs = legs_of(direct, asked.mint_out, asked.amount_in, max_legs=asked.max_legs, leg_cost=asked.leg_cost)
        if len(legs) > 1:
            found.append(_way(asked, WayKind.SPLIT, Route((legs,), asked.amount_in)))
    return found


def _single(asked: Asked, direct: Sequence[Offers]) -> list[Way]:
    """The pool that pays most, of those that are not too steep where there are any."""
    paying = [offers for offers in direct if asked.amount_in > 0 and offers.pays(asked.amount_in) > 0]
    paying.sort(key=lambda offers: -offers.pays(asked.amount_in))
    steep: list[Way] = []
    for offers in paying:
        leg = offers.leg(asked.mint_out, asked.amount_in)
        way = _way(asked, WayKind.POOL, Route(((leg,),), asked.amount_in))
        if not way.too_steep:
            return [way]
        steep.append(way)
    return steep[:1]


def _over_hubs(asked: Asked, pools: Sequence[Pool]) -> list[Way]:
    found: list[Way] = []
    if asked.max_legs < 2 or asked.amount_in <= 0:
        return found
    for hub in dict.fromkeys(asked.hubs):
        if hub in (asked.mint_in, asked.mint_out):
            continue
        first = [pool for pool in pools if set(pool.mints) == {asked.mint_in, hub}]
        second = [pool for pool in pools if set(pool.mints) == {hub, asked.mint_out}]
        hops = two_hops(
            first,
            second,
            clock=asked.clock,
            mint_in=asked.mint_in,
            between=hub,
            mint_out=asked.mint_out,
            amount_in=asked.amount_in,
            slippage=asked.slippage,
            max_legs=asked.max_legs,
            leg_cost=asked.leg_cost,
        )
        if hops is not None:
            found.append(_way(asked, WayKind.TWO_HOPS, hops.route, hops.left_over))
    return found


def _way(asked: Asked, kind: WayKind, route: Route, left_over: LeftOver | None = None) -> Way:
    net_out = route.amount_out - asked.leg_cost * (len(route.legs) - 1)
    return Way(kind, route, net_out, left_over, too_steep=route_impact(route) > asked.max_price_impact)
