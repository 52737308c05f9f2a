"""A decision as it is stored and shown: amounts in base units, prices and shares, all as strings. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from engine_app.markets.routing.price import route_impact, route_price, token_price
from engine_app.markets.venues.venue import Fee

if TYPE_CHECKING:
    from engine_app.markets.routing.decision import Candidate, Decision
    from engine_app.markets.routing.hops import LeftOver
    from engine_app.markets.routing.route import Leg, Route
    from engine_app.markets.routing.ways import Way

_TOO_LARGE = "takes more bytes or accounts than one transaction holds"
_SHARE = Context(prec=9, rounding=ROUND_HALF_EVEN)


def decision_json(decision: Decision, decimals_in: int, decimals_out: int) -> dict[str, Any]:
    """All of a decision."""
    quotes = decision.dex_quotes(decimals_in, decimals_out)
    best, way = decision.best, decision.way
    paid = 0 if way is None else way.route.amount_out
    alone = 0 if best is None else best.amount_out
    return {
        "slot": decision.slot,
        "mintIn": str(decision.mint_in),
        "mintOut": str(decision.mint_out),
        "amountInUnits": str(decision.amount_in),
        "kind": None if way is None else way.kind.value,
        "route": [] if way is None else legs_json(way.route),
        "amountOutUnits": str(paid),
        "price": None if way is None else f"{route_price(way.route, decimals_in, decimals_out):f}",
        "priceImpact": None if way is None else f"{route_impact(way.route):f}",
        "bestPoolUnits": str(alone),
        "gainUnits": str(paid - alone),
        "extraLegCostUnits": str(decision.leg_cost),
        "leftOver": None if way is None or way.left_over is None else left_over_json(way.left_over),
        "alternatives": [
            *(_alternative(other, _TOO_LARGE) for other in decision.too_large),
            *(_alternative(other, _why_not_taken(decision.ways[0], other)) for other in decision.ways[1:]),
        ],
        "dexQuotes": {dex.value: None if price is None else f"{price:f}" for dex, price in quotes.items()},
        "candidates": [_offer(decision, candidate, decimals_in, decimals_out) for candidate in decision.candidates],
        "refused": [
            {
                "pool": str(refused.pool),
                "venue": refused.venue,
                "dex": refused.dex.value,
                "reason": refused.reason,
            }
            for refused in decision.refused
        ],
    }


def legs_json(route: Route) -> list[dict[str, Any]]:
    """Every leg in the order in which they are carried out; `share` is its part of what its hop takes."""
    told: list[dict[str, Any]] = []
    for number, hop in enumerate(route.hops, start=1):
        whole = sum(leg.amount_in for leg in hop)
        told += (_leg(leg, number, whole) for leg in hop)
    return told


def left_over_json(left_over: LeftOver) -> dict[str, Any]:
    """What two hops leave with the user."""
    return {
        "mint": str(left_over.mint),
        "expectedUnits": str(left_over.expected),
        "atMostUnits": str(left_over.at_most),
    }


def _leg(leg: Leg, hop: int, whole: int) -> dict[str, Any]:
    share = _SHARE.divide(Decimal(leg.amount_in), Decimal(whole))
    return {
        "hop": hop,
        "pool": str(leg.pool.address),
        "venue": leg.pool.venue,
        "dex": leg.pool.dex.value,
        "mintIn": str(leg.mint_in),
        "mintOut": str(leg.mint_out),
        "share": f"{share:f}",
        "amountInUnits": str(leg.amount_in),
        "amountOutUnits": str(leg.amount_out),
        "exactOut": leg.exact_out,
        "fees": _fees(leg.quote.fees),
    }


def _fees(fees: Iterable[Fee]) -> list[dict[str, Any]]:
    return [{"kind": fee.kind.value, "mint": str(fee.mint), "amountUnits": str(fee.amount)} for fee in fees]


def _why_not_taken(taken: Way, way: Way) -> str:
    legs = len(way.route.legs) - len(taken.route.legs)
    if way.too_steep and not taken.too_steep:
        return _steep(route_impact(way.route))
    if way.net_out == taken.net_out:
        return "pays no more than the route that was taken, which has fewer legs" if legs > 0 else "pays the same"
    if way.route.amount_out > taken.route.amount_out:
        more = way.route.amount_out - taken.route.amount_out
        return f"pays {more} units more, less than the network fee of {legs} more {'leg' if legs == 1 else 'legs'}"
    return _less(taken.route.amount_out, way.route.amount_out, "the route that was taken")


def _alternative(way: Way, lost: str) -> dict[str, Any]:
    return {
        "kind": way.kind.value,
        "between": None if way.between is None else str(way.between),
        "amountOutUnits": str(way.route.amount_out),
        "route": legs_json(way.route),
        "lost": lost,
    }


def _offer(decision: Decision, candidate: Candidate, decimals_in: int, decimals_out: int) -> dict[str, Any]:
    price = token_price(decision.amount_in, candidate.amount_out, decimals_in, decimals_out)
    return {
        "pool": str(candidate.pool),
        "venue": candidate.venue,
        "dex": candidate.dex.value,
        "amountOutUnits": str(candidate.amount_out),
        "price": f"{price:f}",
        "priceImpact": f"{candidate.price_impact:f}",
        "fees": _fees(candidate.fees),
        "lost": _why_lost(decision, candidate),
    }


def _why_lost(decision: Decision, candidate: Candidate) -> str | None:
    """Why a pool is not the route, or no part of it."""
    route = decision.route
    if route is None or any(leg.pool.address == candidate.pool for leg in route.legs):
        return None
    if candidate.amount_out > route.amount_out:
        return _steep(candidate.price_impact)
    if len(route.legs) > 1:
        return _less(route.amount_out, candidate.amount_out, "the route")
    return _less(route.amount_out, candidate.amount_out, "the best")


def _steep(impact: Decimal) -> str:
    return f"moves the price by {100 * impact:.4f} %, more than is allowed"


def _less(best: int, paid: int, than: str) -> str:
    if paid == best:
        return "pays the same; one of the two had to be taken"
    return f"pays {Decimal(100 * (best - paid)) / best:.4f} % less than {than}"
