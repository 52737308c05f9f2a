"""How a stored routing decision reads."""

from __future__ import annotations

from typing import Any

from engine_app.ui.routing_view import Unit, routing_board

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"
UNITS = {SOL: Unit("SOL", 9), USDC: Unit("USDC", 6), BONK: Unit("BONK", 5)}
POOLS = {name: name * 11 for name in ("Pooa", "Poob", "Pooc")}


def leg(pool: str, *, share: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "hop": 1,
        "pool": POOLS[pool],
        "venue": "meteora_damm_v2",
        "dex": "meteora",
        "mintIn": SOL,
        "mintOut": USDC,
        "share": share,
        "amountInUnits": "1500000000",
        "amountOutUnits": "224516322",
    } | changes


def candidate(pool: str, **changes: Any) -> dict[str, Any]:
    return {
        "pool": POOLS[pool],
        "venue": "raydium_cpmm",
        "dex": "raydium",
        "amountOutUnits": "224434141",
        "price": "149.622760666666667",
        "priceImpact": "0.0125",
        "fees": [{"kind": "pool", "mint": SOL, "amountUnits": "3750000"}],
        "lost": "pays 0.0366 % less than the best",
    } | changes


def decision(*route: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "slot": 1678,
        "mintIn": SOL,
        "mintOut": USDC,
        "route": list(route),
        "candidates": [candidate("Pooa", lost=None), candidate("Poob")],
        "refused": [{"pool": POOLS["Pooc"], "venue": "meteora_dlmm", "dex": "meteora", "reason": "swaps are off"}],
    } | changes


def test_every_offer_says_whether_it_was_taken_or_why_it_lost() -> None:
    board = routing_board(decision(leg("Pooa")), UNITS)
    assert (board.slot, board.summary) == ("1,678", "Through 1 pool; 3 pools were asked")
    assert [(offer.taken, offer.why) for offer in board.offers] == [
        (True, "Pays most; the route takes it."),
        (False, "Pays 0.0366% less than the best."),
    ]
    lost = board.offers[1]
    assert (lost.venue, lost.gets, lost.rate) == ("Raydium CPMM", "224.4341 USDC", "149.623")
    assert (lost.impact, lost.impact_tone, lost.fees) == ("1.25%", "warn", "0.00375 SOL pool")
    assert [(pool.venue, pool.reason) for pool in board.refused] == [("Meteora DLMM", "Swaps are off.")]


def test_a_split_shows_each_pools_share() -> None:
    board = routing_board(decision(leg("Pooa", share="0.625"), leg("Poob", share="0.375")), UNITS)
    assert [(shown.share, shown.width, shown.hop) for shown in board.legs] == [
        ("62.5%", "62.5%", ""),
        ("37.5%", "37.5%", ""),
    ]
    assert [offer.why for offer in board.offers] == ["A part of the route."] * 2
    assert board.summary.startswith("Through 2 pools;")


def test_two_hops_show_the_token_between() -> None:
    first = leg("Pooa", hop=1, mintIn=BONK, mintOut=SOL, amountInUnits="500000000000", amountOutUnits="500000000")
    second = leg("Poob", hop=2, amountInUnits="500000000", amountOutUnits="74800000")
    board = routing_board(decision(first, second), UNITS)
    assert [(shown.hop, shown.pays, shown.gets) for shown in board.legs] == [
        ("Hop 1", "5,000,000 BONK", "0.5 SOL"),
        ("Hop 2", "0.5 SOL", "74.8 USDC"),
    ]
    assert board.summary.startswith("Through 2 pools over 2 hops;")


def test_what_a_route_gains_and_leaves_is_told() -> None:
    left = {"mint": BONK, "expectedUnits": "12300000", "atMostUnits": "50000000"}
    board = routing_board(decision(leg("Pooa"), gainUnits="3964", leftOver=left), UNITS)
    assert board.gain == "0.003964 USDC more than the best pool alone"
    assert board.left_over == "Between the hops about 123 BONK stays, at most 500 BONK."
    assert routing_board(decision(leg("Pooa"), gainUnits="0", leftOver=None), UNITS).gain == ""


def test_ways_that_were_not_taken_say_why() -> None:
    way = {
        "kind": "two_hops",
        "between": BONK,
        "amountOutUnits": "220000000",
        "route": [leg("Pooa", hop=1), leg("Poob", hop=2, venue="raydium_cpmm")],
        "lost": "pays 1.9 % less than the route that was taken",
    }
    board = routing_board(decision(leg("Pooa"), alternatives=[way, way | {"between": None}]), UNITS)
    assert [(other.name, other.gets) for other in board.others] == [
        ("Over BONK: Meteora DAMM v2 + Raydium CPMM", "220 USDC"),
        ("Meteora DAMM v2 + Raydium CPMM", "220 USDC"),
    ]
    assert board.others[0].why == "Pays 1.9% less than the route that was taken."


def test_a_token_that_is_not_known_stays_in_base_units() -> None:
    assert routing_board(decision(leg("Pooa")), {SOL: UNITS[SOL]}).legs[0].gets == "224,516,322 base units"


def test_an_order_that_was_never_routed_has_nothing_to_show() -> None:
    assert routing_board(None, UNITS).slot == ""
