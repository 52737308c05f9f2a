"""Where no transaction holds the best way, the best of those that one holds is taken."""

from __future__ import annotations

from collections.abc import Sequence

from engine_app.markets.routing import Decision, Route, decide_fitting
from engine_app.markets.routing.ways import Way, WayKind
from engine_app.markets.venues.venue import Pool
from tests.wallets.messages import stranger
from tests.wallets.routes import ROUTES, route_of

SPLIT, HOPS, THREE = (route_of(ROUTES[name]) for name in ("split", "hops over SOL", "hop and split"))
ALONE = Route((SPLIT.hops[0][:1],), SPLIT.amount_in)
OTHER = Route((SPLIT.hops[0][1:],), SPLIT.amount_in)
WAYS = (
    Way(WayKind.TWO_HOPS, THREE, 100),
    Way(WayKind.TWO_HOPS, HOPS, 99),
    Way(WayKind.SPLIT, SPLIT, 98),
    Way(WayKind.POOL, ALONE, 90),
    Way(WayKind.POOL, OTHER, 80),
)
POOLS = [leg.pool for route in (THREE, HOPS, SPLIT) for leg in route.legs]


def decided(pools: Sequence[Pool], legs: int) -> Decision:
    """The best way of each kind of those that these pools allow, as decisions have them."""
    there = {pool.address for pool in pools}
    found = [
        way for way in WAYS if len(way.route.legs) <= legs and {leg.pool.address for leg in way.route.legs} <= there
    ]
    best = [next(way for way in found if way.kind is kind) for kind in WayKind if kind in {way.kind for way in found}]
    ways = tuple(sorted(best, key=lambda way: -way.net_out))
    return Decision(1, stranger("in"), stranger("out"), 1_500, (), (), ways=ways)


def taken(*held: Route) -> tuple[Route | None, list[Route], list[Route]]:
    decision = decide_fitting(POOLS, decided, lambda route: route in held)
    ways, too_large = ([way.route for way in found] for found in (decision.ways, decision.too_large))
    return decision.route, ways, too_large


def test_the_best_way_is_taken_where_a_transaction_holds_it() -> None:
    assert decide_fitting(POOLS, decided, lambda route: True) == decided(POOLS, 3)


def test_fewer_legs_are_taken_where_only_they_are_held() -> None:
    assert taken(HOPS, SPLIT, ALONE) == (HOPS, [HOPS, SPLIT, ALONE], [THREE])


def test_a_way_of_more_legs_that_is_held_beats_one_of_fewer_that_pays_less() -> None:
    assert taken(SPLIT, ALONE)[0] == SPLIT


def test_a_way_without_the_pool_that_is_too_large_is_found() -> None:
    """Neither fewer legs nor what else was decided has it: it is not the best of its kind with all pools."""
    route, ways, too_large = taken(OTHER)
    assert (route, ways) == (OTHER, [OTHER])
    assert {ALONE, SPLIT, THREE} <= set(too_large)


def test_nothing_is_taken_where_no_transaction_holds_anything() -> None:
    assert taken()[0] is None
    nothing = Decision(1, stranger("in"), stranger("out"), 5, (), ())
    assert decide_fitting([], lambda pools, legs: nothing, bool).route is None
