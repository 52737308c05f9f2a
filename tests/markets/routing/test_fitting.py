"""Where no transaction holds the best way, the best of those that one holds is taken."""

from __future__ import annotations

from engine_app.markets.routing import Decision, Route, decide_fitting
from engine_app.markets.routing.ways import Way, WayKind
from tests.wallets.messages import stranger
from tests.wallets.routes import ROUTES, route_of

SPLIT, HOPS, THREE = (route_of(ROUTES[name]) for name in ("split", "hops over SOL", "hop and split"))
ALONE = Route((SPLIT.hops[0][:1],), SPLIT.amount_in)
WAYS = {
    3: (Way(WayKind.TWO_HOPS, THREE, 100), Way(WayKind.SPLIT, SPLIT, 98), Way(WayKind.POOL, ALONE, 90)),
    2: (Way(WayKind.TWO_HOPS, HOPS, 99), Way(WayKind.SPLIT, SPLIT, 98), Way(WayKind.POOL, ALONE, 90)),
    1: (Way(WayKind.POOL, ALONE, 90),),
}


def decided(legs: int) -> Decision:
    return Decision(1, stranger("in"), stranger("out"), 1_500, (), (), ways=WAYS[legs])


def taken(*held: Route) -> tuple[Route | None, list[Route], list[Route]]:
    decision = decide_fitting(decided, lambda route: route in held)
    ways, too_large = ([way.route for way in found] for found in (decision.ways, decision.too_large))
    return decision.route, ways, too_large


def test_the_best_way_is_taken_where_a_transaction_holds_it() -> None:
    assert decide_fitting(decided, lambda route: True) == decided(3)


def test_fewer_legs_are_taken_where_only_they_are_held() -> None:
    assert taken(HOPS, SPLIT, ALONE) == (HOPS, [HOPS, SPLIT, ALONE], [THREE])
    assert taken(ALONE) == (ALONE, [ALONE], [THREE, SPLIT, HOPS])


def test_a_way_of_more_legs_that_is_held_beats_one_of_fewer_that_pays_less() -> None:
    assert taken(SPLIT, ALONE)[0] == SPLIT


def test_nothing_is_taken_where_no_transaction_holds_anything() -> None:
    assert taken()[0] is None
    assert decide_fitting(lambda legs: Decision(1, stranger("in"), stranger("out"), 5, (), ()), bool).route is None
