"""How a stored routing decision reads: the legs that were taken, every other offer and why it lost. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine_app.ui.figures import amount, exact, percent, price, shortened
from engine_app.ui.order_view import DEX_NAMES
from engine_app.ui.quote_view import impact_tone
from engine_app.ui.route_view import venue_name
from engine_app.ui.words import sentence

_FEES = {"pool": "pool", "creator": "creator", "transfer": "token's transfer fee"}


@dataclass(frozen=True)
class Unit:
    """A token's symbol and decimals."""

    symbol: str
    decimals: int


Units = Mapping[str, Unit]
"""Units by mint."""


@dataclass(frozen=True)
class Leg:
    """A part of the route: what goes into one pool and what comes out.

    Attributes:
        hop: `Hop 1` or `Hop 2` of a route over a token between; empty where there is one hop only.
        share: which part of its hop's amount goes through it.
        width: the same as a CSS width.
    """

    hop: str
    venue: str
    dex: str
    pool: str
    pool_short: str
    share: str
    width: str
    pays: str
    gets: str


@dataclass(frozen=True)
class Offer:
    """What a pool offered for the whole amount; `why` says why it was taken or was not."""

    venue: str
    dex: str
    pool: str
    pool_short: str
    gets: str
    rate: str
    impact: str
    impact_tone: str
    fees: str
    why: str
    taken: bool


@dataclass(frozen=True)
class OtherWay:
    """A split or a way of two hops that was looked at, and why it was not taken."""

    name: str
    gets: str
    why: str


@dataclass(frozen=True)
class Refusal:
    """A pool that offered nothing, and why."""

    venue: str
    pool: str
    pool_short: str
    reason: str


@dataclass(frozen=True)
class Routing:
    """A decision as the order's page shows it; `slot` is empty where there was none.

    `gain` is what the route pays beyond the best pool alone, `left_over` what two hops leave in the wallet; either may
    be empty.
    """

    slot: str = ""
    summary: str = ""
    gain: str = ""
    left_over: str = ""
    legs: list[Leg] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    others: list[OtherWay] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def routing_board(decision: Mapping[str, Any] | None, units: Units) -> Routing:
    """The decision's texts. Amounts of tokens whose decimals are not known stay in base units."""
    if not decision:
        return Routing()
    legs: Sequence[Mapping[str, Any]] = decision.get("route") or []
    taken = {leg["pool"] for leg in legs}
    offers = [_offer(candidate, decision, units, taken) for candidate in decision.get("candidates") or []]
    refused = [
        Refusal(venue_name(pool["venue"]), pool["pool"], shortened(pool["pool"]), sentence(str(pool["reason"])))
        for pool in decision.get("refused") or []
    ]
    others = [_other(way, decision, units) for way in decision.get("alternatives") or []]
    slot, gain = decision.get("slot"), int(decision.get("gainUnits") or 0)
    hops = len({leg.get("hop") for leg in legs})
    return Routing(
        slot="" if slot is None else f"{slot:,}",
        summary=_summary(legs, hops, len(offers) + len(refused)),
        gain=f"{_amount(gain, decision.get('mintOut'), units)} more than the best pool alone" if gain > 0 else "",
        left_over=_left_over(decision.get("leftOver"), units),
        legs=[_leg(leg, hops, decision, units) for leg in legs],
        offers=offers,
        others=others,
        refused=refused,
    )


def _summary(legs: Sequence[Mapping[str, Any]], hops: int, asked: int) -> str:
    pools = "1 pool" if len(legs) == 1 else f"{len(legs)} pools"
    way = f"{pools} over {hops} hops" if hops > 1 else pools
    return f"Through {way}; {asked} {'pool was' if asked == 1 else 'pools were'} asked"


def _left_over(left: Mapping[str, Any] | None, units: Units) -> str:
    if left is None:
        return ""
    most = _amount(left["atMostUnits"], left["mint"], units)
    return f"Between the hops about {_amount(left['expectedUnits'], left['mint'], units)} stays, at most {most}."


def _other(way: Mapping[str, Any], decision: Mapping[str, Any], units: Units) -> OtherWay:
    venues = " + ".join(dict.fromkeys(venue_name(leg["venue"]) for leg in way["route"]))
    between = way.get("between")
    over = units.get(between or "")
    name = f"Over {over.symbol if over else shortened(between)}: {venues}" if between else venues
    gets = _amount(way["amountOutUnits"], decision.get("mintOut"), units)
    return OtherWay(name=name, gets=gets, why=_why(way.get("lost")))


def _leg(leg: Mapping[str, Any], hops: int, decision: Mapping[str, Any], units: Units) -> Leg:
    share = exact(leg.get("share") or 1)
    return Leg(
        hop=f"Hop {leg['hop']}" if hops > 1 else "",
        venue=venue_name(leg["venue"]),
        dex=str(leg.get("dex") or ""),
        pool=leg["pool"],
        pool_short=shortened(leg["pool"]),
        share=percent(share, 1),
        width=f"{share * 100:.1f}%",
        pays=_amount(leg["amountInUnits"], leg.get("mintIn", decision.get("mintIn")), units),
        gets=_amount(leg["amountOutUnits"], leg.get("mintOut", decision.get("mintOut")), units),
    )


def _offer(candidate: Mapping[str, Any], decision: Mapping[str, Any], units: Units, taken: set[str]) -> Offer:
    impact = candidate.get("priceImpact")
    rate = candidate.get("price")
    is_taken = candidate["pool"] in taken
    part = "A part of the route." if len(taken) > 1 else "Pays most; the route takes it."
    return Offer(
        venue=venue_name(candidate["venue"]),
        dex=DEX_NAMES.get(candidate["dex"], candidate["dex"]),
        pool=candidate["pool"],
        pool_short=shortened(candidate["pool"]),
        gets=_amount(candidate["amountOutUnits"], candidate.get("mintOut", decision.get("mintOut")), units),
        rate="" if rate is None else price(exact(rate)),
        impact="" if impact is None else percent(max(exact(impact), Decimal(0))),
        impact_tone="" if impact is None else impact_tone(exact(impact)),
        fees=" · ".join(_fee(fee, units) for fee in candidate.get("fees") or []),
        why=part if is_taken else _why(candidate.get("lost")),
        taken=is_taken,
    )


def _fee(fee: Mapping[str, Any], units: Units) -> str:
    return f"{_amount(fee['amountUnits'], fee['mint'], units)} {_FEES.get(fee['kind'], fee['kind'])}"


def _amount(in_units: str | int, mint: str | None, units: Units) -> str:
    unit = units.get(mint or "")
    if unit is None:
        return f"{int(in_units):,} base units"
    return f"{amount(Decimal(in_units).scaleb(-unit.decimals))} {unit.symbol}"


def _why(reason: str | None) -> str:
    """A reason of the routing decision as the page writes numbers: no space before a percent sign."""
    return sentence((reason or "").replace(" %", "%"))
