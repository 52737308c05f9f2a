"""How a route reads on the page: through which pools, in which shares and hops, and what their fees take. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine_app.markets.tokens import Token, whole
from engine_app.ui.figures import amount, exact, percent, shortened
from engine_app.ui.token_choice import token_label

VENUE_NAMES = {
    "raydium_cpmm": "Raydium CPMM",
    "raydium_amm_v4": "Raydium AMM v4",
    "raydium_clmm": "Raydium CLMM",
    "meteora_damm_v1": "Meteora DAMM v1",
    "meteora_damm_v2": "Meteora DAMM v2",
    "meteora_dlmm": "Meteora DLMM",
}

Worth = Callable[[str, int], tuple[Decimal, str]]
"""Tells of a mint and its base units how many whole tokens that is, and how the token is called."""


@dataclass(frozen=True)
class RouteLeg:
    """A pool of the route. `hop` is empty where the route has one hop only."""

    pool: str
    pool_short: str
    venue: str
    dex: str
    share: str
    way: str
    hop: str
    fee: str


def venue_name(venue: str) -> str:
    """A venue as people call it."""
    return VENUE_NAMES.get(venue, venue.replace("_", " "))


def route_legs(decision: Mapping[str, Any], worth: Worth) -> list[RouteLeg]:
    """The legs of the chosen route.

    Args:
        decision: the routing decision's JSON.
        worth: puts base units into whole tokens.
    """
    legs: Sequence[Mapping[str, Any]] = decision["route"]
    hops = max((leg["hop"] for leg in legs), default=1)
    return [_leg(leg, hops, worth) for leg in legs]


def left_over(decision: Mapping[str, Any], worth: Worth) -> str:
    """What two hops leave in the wallet, in words; empty where they leave nothing."""
    left = decision["leftOver"]
    if left is None:
        return ""
    value, token = worth(left["mint"], int(left["expectedUnits"]))
    most, _ = worth(left["mint"], int(left["atMostUnits"]))
    return f"≈ {amount(value)} {token}, at most {amount(most)}"


def in_words(legs: Sequence[RouteLeg]) -> str:
    """A route in a few words: `1 pool`, `2 pools`, `2 hops over USDC`."""
    if any(leg.hop for leg in legs):
        over = next(leg.way.partition(" → ")[2] for leg in legs)
        return f"2 hops over {over}"
    return "1 pool" if len(legs) == 1 else f"split over {len(legs)} pools"


def _leg(leg: Mapping[str, Any], hops: int, worth: Worth) -> RouteLeg:
    taken = [worth(fee["mint"], int(fee["amountUnits"])) for fee in leg["fees"]]
    _, paid = worth(leg["mintIn"], 0)
    _, received = worth(leg["mintOut"], 0)
    return RouteLeg(
        pool=leg["pool"],
        pool_short=shortened(leg["pool"]),
        venue=venue_name(leg["venue"]),
        dex=leg["dex"],
        share=percent(exact(leg["share"]), 1),
        way=f"{paid} → {received}",
        hop="" if hops == 1 else str(leg["hop"]),
        fee=" + ".join(f"{amount(value)} {token}" for value, token in taken),
    )


def worth_by(tokens: Iterable[Token]) -> Worth:
    """Puts base units of these tokens into whole ones; of another mint it knows neither name nor decimals."""
    known = {str(token.mint): token for token in tokens}

    def worth(mint: str, units: int) -> tuple[Decimal, str]:
        token = known.get(mint)
        if token is None:
            return Decimal(units), f"units of {shortened(mint)}"
        return whole(units, token.decimals), token_label(token)

    return worth
