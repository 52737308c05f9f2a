"""How routes read: pools, shares, hops, fees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine_app.ui.route_view import in_words, left_over, route_legs, venue_name

TOKENS = {"sol": ("SOL", 9), "usdc": ("USDC", 6), "bonk": ("BONK", 5)}


def worth(mint: str, units: int) -> tuple[Decimal, str]:
    symbol, decimals = TOKENS[mint]
    return Decimal(units).scaleb(-decimals), symbol


def leg(pool: str, mints: tuple[str, str], share: str = "1", hop: int = 1, fee: int = 3_000) -> dict[str, Any]:
    return {
        "hop": hop,
        "pool": pool * 44,
        "venue": "meteora_damm_v2",
        "dex": "meteora",
        "mintIn": mints[0],
        "mintOut": mints[1],
        "share": share,
        "fees": [{"kind": "pool", "mint": mints[1], "amountUnits": str(fee)}] if fee else [],
    }


def decision(*legs: dict[str, Any], left: dict[str, str] | None = None) -> dict[str, Any]:
    return {"route": list(legs), "leftOver": left}


def test_one_pool() -> None:
    (only,) = route_legs(decision(leg("A", ("sol", "usdc"))), worth)
    assert (only.venue, only.pool_short, only.share, only.way) == ("Meteora DAMM v2", "AAAA…AAAA", "100%", "SOL → USDC")
    assert (only.fee, only.hop) == ("0.003 USDC", "")
    assert in_words([only]) == "1 pool"


def test_a_split_has_shares() -> None:
    legs = route_legs(decision(leg("A", ("sol", "usdc"), "0.615"), leg("B", ("sol", "usdc"), "0.385", fee=0)), worth)
    assert [each.share for each in legs] == ["61.5%", "38.5%"]
    assert [each.fee for each in legs] == ["0.003 USDC", ""]
    assert in_words(legs) == "split over 2 pools"


def test_two_hops_are_numbered_and_leave_something() -> None:
    two = decision(
        leg("A", ("bonk", "sol")),
        leg("B", ("sol", "usdc"), hop=2),
        left={"mint": "sol", "expectedUnits": "5000000", "atMostUnits": "15000000"},
    )
    legs = route_legs(two, worth)
    assert [each.hop for each in legs] == ["1", "2"]
    assert in_words(legs) == "2 hops over SOL"
    assert left_over(two, worth) == "≈ 0.005 SOL, at most 0.015"
    assert left_over(decision(leg("A", ("sol", "usdc"))), worth) == ""


def test_a_venue_without_a_name_of_its_own_is_called_by_what_it_is() -> None:
    assert venue_name("raydium_clmm") == "Raydium CLMM"
    assert venue_name("some_new_venue") == "some new venue"
