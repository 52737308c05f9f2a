"""How a quote reads on the page: both venues side by side, what is received, and what it costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine_app.exact_json import number
from engine_app.markets.venues.venue import Dex
from engine_app.ui.figures import amount, lead_basis_points, percent, price
from engine_app.ui.order_view import DEX_NAMES

IMPACT_WARN = Decimal("0.01")
IMPACT_BAD = Decimal("0.05")


@dataclass(frozen=True)
class VenueQuote:
    """What one DEX pays. `out` is empty where it has no pool for the pair and amount."""

    dex: str
    name: str
    out: str = ""
    rate: str = ""
    lead: str = ""
    best: bool = False


@dataclass(frozen=True)
class Quote:
    """A quote as text.

    Attributes:
        key: names exactly what was shown; empty where there is nothing that can be ordered.
        too_large: why an order of this size would be refused, or empty.
    """

    key: str = ""
    amount_out: str = ""
    rate: str = ""
    floor: str = ""
    impact: str = ""
    impact_tone: str = ""
    too_large: str = ""
    slot: str = ""
    venues: list[VenueQuote] = field(default_factory=lambda: [VenueQuote(dex.value, DEX_NAMES[dex]) for dex in Dex])


def quote_card(
    *,
    token_in: str,
    token_out: str,
    amount_in: Decimal,
    amount_out: Decimal,
    min_out: Decimal,
    dex_quotes: Mapping[Dex, Decimal | None],
    selected_dex: Dex,
    price_impact: Decimal,
    max_price_impact: Decimal,
    slot: int,
) -> Quote:
    """The quote's texts.

    Args:
        amount_in, amount_out, min_out: whole tokens.
        dex_quotes: each DEX's tokenOut per tokenIn, net of its pool's fees; None where it has no pool.
        price_impact: a fraction.
        max_price_impact: the fraction above which an order is refused.
        slot: the slot at which the pools were read.
    """
    too_large = price_impact > max_price_impact
    return Quote(
        key="" if too_large else "|".join((token_in, token_out, *map(number, (amount_in, amount_out, min_out)))),
        too_large=f"Price impact above {percent(max_price_impact)}" if too_large else "",
        amount_out=amount(amount_out),
        rate=f"1 {token_in} = {price(amount_out / amount_in)} {token_out}",
        floor=f"{amount(min_out)} {token_out}",
        impact=percent(max(price_impact, Decimal(0))),
        impact_tone=impact_tone(price_impact),
        slot=f"{slot:,}",
        venues=[_venue(dex, dex_quotes, selected_dex, amount_in, token_out) for dex in Dex],
    )


def impact_tone(price_impact: Decimal) -> str:
    """The tone of a price impact: none up to 1 %, warn above, bad above 5 %."""
    if price_impact > IMPACT_BAD:
        return "bad"
    return "warn" if price_impact > IMPACT_WARN else ""


def _venue(
    dex: Dex, quotes: Mapping[Dex, Decimal | None], selected: Dex, amount_in: Decimal, token_out: str
) -> VenueQuote:
    rate = quotes.get(dex)
    if rate is None:
        return VenueQuote(dex.value, DEX_NAMES[dex])
    best = dex == selected
    rivals = [other for name, other in quotes.items() if name != dex and other]
    lead = ""
    if rivals:
        lead = f"+{lead_basis_points(rate, rivals[0])}" if best else f"−{lead_basis_points(rivals[0], rate)}"
    return VenueQuote(
        dex=dex.value,
        name=DEX_NAMES[dex],
        out=f"{amount(rate * amount_in)} {token_out}",
        rate=f"at {price(rate)}",
        lead=lead,
        best=best,
    )
