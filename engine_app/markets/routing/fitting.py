"""Of the ways that an amount can take, those that one transaction holds. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from solders.pubkey import Pubkey

from engine_app.markets.routing.decision import Decision
from engine_app.markets.routing.route import Route
from engine_app.markets.routing.ways import MAX_LEGS, Way, rank
from engine_app.markets.venues.venue import Pool

LEG_UNITS = 100_000
"""Compute units of a swap in one pool, about the most of any venue: what a further leg pays a priority fee for."""
MOST_DECISIONS = 16
"""How often is decided anew where no transaction holds what is best."""


def decide_fitting(
    pools: Sequence[Pool], decide: Callable[[Sequence[Pool], int], Decision], fits: Callable[[Route], bool]
) -> Decision:
    """The decision for what one transaction holds.

    Where it does not hold the best way, others are looked for: of fewer legs, and without one of that way's pools. Of
    all that are held the one is taken that pays most.

    Args:
        pools: read at one slot.
        decide: the decision over some of these, for at most so many legs.
        fits: whether one transaction holds a route.
    """
    decision = decide(pools, MAX_LEGS)
    if decision.route is None or fits(decision.route):
        return decision
    held: dict[tuple[tuple[Pubkey, int], ...], Way] = {}
    too_large: dict[tuple[tuple[Pubkey, int], ...], Way] = {}
    pending = deque([(frozenset[Pubkey](), MAX_LEGS)])
    seen: set[tuple[frozenset[Pubkey], int]] = set()
    while pending and len(seen) < MOST_DECISIONS:
        without, max_legs = pending.popleft()
        if (without, max_legs) in seen:
            continue
        seen.add((without, max_legs))
        found = decide([pool for pool in pools if pool.address not in without], max_legs).ways
        for way in found:
            (held if fits(way.route) else too_large)[_legs(way)] = way
        if found and _legs(found[0]) in too_large:
            pending += [(without, max_legs - 1)] if max_legs > 1 else []
            pending += [(without | {leg.pool.address}, max_legs) for leg in found[0].route.legs]
    return replace(decision, ways=tuple(sorted(held.values(), key=rank)), too_large=tuple(too_large.values()))


def _legs(way: Way) -> tuple[tuple[Pubkey, int], ...]:
    return tuple((leg.pool.address, leg.amount_in) for leg in way.route.legs)
