"""How a stored routing decision reads."""

from __future__ import annotations

from typing import Any

from engine_app.ui.routing_view import Unit, routing_board, venue_name

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"
UNITS = {SOL: Unit("SOL", 9), USDC: Unit("USDC", 6), BONK: Unit("BONK", 5)}
POOLS = {name: name * 11 for name in ("Pooa", "Poob", "Pooc")}


def leg(pool: str, *, share: str = "1", **changes: Any) -> dict[str, Any]:
    return {
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
    assert [(offer.taken, offer.lost) for offer in board.offers] == [
        (True, ""),
        (False, "Pays 0.0366 % less than the best."),
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
    assert all(offer.taken and not offer.lost for offer in board.offers)
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


def test_a_token_that_is_not_known_stays_in_base_units() -> None:
    assert routing_board(decision(leg("Pooa")), {SOL: UNITS[SOL]}).legs[0].gets == "224,516,322 base units"


def test_an_order_that_was_never_routed_has_nothing_to_show() -> None:
    assert routing_board(None, UNITS).slot == ""


def test_a_venue_without_a_name_of_its_own_is_shown_as_it_is_called() -> None:
    assert venue_name("some_new_venue") == "some new venue"
