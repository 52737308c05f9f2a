"""The one place that computes the least an order accepts, of the whole and of each leg."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine_app.markets.routing.route import Leg, Route, Terms


def floor_out(quoted_out: int, slippage: Decimal, *, at_least: int = 0) -> int:
    """floor(quoted_out × (1 − slippage)), exactly, or `at_least` where that is more.

    Args:
        quoted_out: base units of the output token.
        slippage: a fraction, 0.01 for 1 %.
        at_least: an absolute floor beside slippage, base units of the output token.

    Raises:
        ValueError: slippage is not a number from 0 to below 1.
    """
    if not slippage.is_finite() or not 0 <= slippage < 1:
        raise ValueError(f"slippage {slippage} is not a fraction from 0 to below 1")
    lost, whole = slippage.as_integer_ratio()
    return max(quoted_out * (whole - lost) // whole, at_least)


def leg_terms(route: Route, slippage: Decimal, floor: int) -> tuple[Terms, ...]:
    """What each leg's instruction asks for, in the order of the legs, so that the whole pays at least its floor.

    A first of two hops has to bring what the second spends: where it buys that exactly it may take all that the order
    gives, where it sells all that the order gives it has to bring at least that. The legs of the last hop share the
    floor.

    Args:
        route: what is carried out.
        slippage: a fraction, 0.01 for 1 %.
        floor: base units that the order accepts at least, at most what the route is quoted to pay.

    Raises:
        ValueError: the route is quoted below the floor.
    """
    last = route.hops[-1]
    least = _shares(last, slippage, floor)
    ending = tuple(Terms(leg, leg.amount_in, amount) for leg, amount in zip(last, least, strict=True))
    if route.through is None:
        return ending
    (first,) = route.hops[0]
    return (Terms(first, route.amount_in, route.through), *ending)


def _shares(legs: Sequence[Leg], slippage: Decimal, floor: int) -> list[int]:
    """The least of each leg: its quote less the slippage, and where the floor asks for more, more of each.

    Each gives the same part of its room, so that none is left without any while others have some.
    """
    least = [floor_out(leg.amount_out, slippage) for leg in legs]
    rooms = [leg.amount_out - amount for leg, amount in zip(legs, least, strict=True)]
    missing, room = floor - sum(least), sum(rooms)
    if missing > room:
        raise ValueError(f"the route is quoted {missing - room} units below its floor")
    for at, has in enumerate(rooms):
        if missing > 0:
            more = -(-missing * has // room)
            least[at] += more
            missing, room = missing - more, room - has
    return least
