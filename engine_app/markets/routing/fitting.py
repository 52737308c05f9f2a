"""Of the ways that an amount can take, those that one transaction holds. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from solders.pubkey import Pubkey

from engine_app.markets.routing.decision import Decision
from engine_app.markets.routing.route import Route
from engine_app.markets.routing.ways import MAX_LEGS, Way, rank

LEG_UNITS = 100_000
"""Compute units of a swap in one pool, about the most of any venue: what a further leg pays a priority fee for."""


def decide_fitting(decide: Callable[[int], Decision], fits: Callable[[Route], bool]) -> Decision:
    """The decision for as many legs as one transaction holds.

    Where it does not hold the best way, ways of fewer legs are looked for too, down to a single pool, and the one that
    pays most of all that it holds is taken.

    Args:
        decide: the decision for at most so many legs.
        fits: whether one transaction holds a route.
    """
    decision = decide(MAX_LEGS)
    if decision.route is None or fits(decision.route):
        return decision
    found: dict[tuple[tuple[Pubkey, int], ...], Way] = {}
    too_large: dict[tuple[tuple[Pubkey, int], ...], Way] = {}
    for max_legs in range(MAX_LEGS, 0, -1):
        fewer = decision if max_legs == MAX_LEGS else decide(max_legs)
        holds = [fits(way.route) for way in fewer.ways]
        found |= {_legs(way): way for way, held in zip(fewer.ways, holds, strict=True) if held}
        too_large |= {_legs(way): way for way, held in zip(fewer.ways, holds, strict=True) if not held}
        if holds and holds[0]:
            break
    return replace(decision, ways=tuple(sorted(found.values(), key=rank)), too_large=tuple(too_large.values()))


def _legs(way: Way) -> tuple[tuple[Pubkey, int], ...]:
    return tuple((leg.pool.address, leg.amount_in) for leg in way.route.legs)
