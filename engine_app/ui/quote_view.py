"""How a quote reads on the page: both venues side by side, what is received, by which way, and what it costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from solders.pubkey import Pubkey

from engine_app.exact_json import number
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import Token, whole
from engine_app.markets.venues.venue import Dex
from engine_app.orders.costs import SwapCosts
from engine_app.orders.service import MOST_PRICE_IMPACT
from engine_app.ui.figures import amount, lead_basis_points, percent, price
from engine_app.ui.order_view import DEX_NAMES
from engine_app.ui.route_view import RouteLeg, in_words, left_over, route_legs, worth_by
from engine_app.ui.token_choice import token_label

IMPACT_WARN = Decimal("0.01")
IMPACT_BAD = Decimal("0.05")
IMPACT_LEEWAY = Decimal("0.01")
"""How much more than the impact that was confirmed an order may come to."""

SOL_DECIMALS = 9


@dataclass(frozen=True)
class VenueQuote:
    """What one DEX pays. `out` is empty where it has no pool for the pair and amount."""

    dex: str
    name: str
    out: str = ""
    rate: str = ""
    lead: str = ""
    lead_money: str = ""
    best: bool = False


@dataclass(frozen=True)
class Cost:
    """Something the wallet pays beside what is swapped. `test_id` names it for tests."""

    name: str
    sol: str
    note: str
    test_id: str


@dataclass(frozen=True)
class Quote:
    """A quote as text.

    Attributes:
        key: names exactly what was shown; empty where there is nothing that can be ordered.
        too_large: why an order of this size would be refused, or empty.
        risky: whether its price impact has to be confirmed.
        better_than_one: by how much a route over several pools beats the best single one, or empty.
        left_over: what the route leaves in the wallet of the token in between, or empty.
    """

    key: str = ""
    amount_out: str = ""
    rate: str = ""
    rate_back: str = ""
    floor: str = ""
    impact: str = ""
    impact_tone: str = ""
    risky: bool = False
    too_large: str = ""
    slot: str = ""
    age: str = ""
    route: str = ""
    better_than_one: str = ""
    left_over: str = ""
    legs: list[RouteLeg] = field(default_factory=list)
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
    rate: Decimal | None = None,
    age_slots: int = 0,
    legs: Sequence[RouteLeg] = (),
    left_over: str = "",
) -> Quote:
    """The quote's texts.

    Args:
        token_in, token_out: what the tokens are called.
        amount_in, amount_out, min_out: whole tokens.
        dex_quotes: each DEX's tokenOut per tokenIn, net of its pool's fees; None where it has no pool.
        selected_dex: the DEX of the larger part of the route.
        price_impact: a fraction.
        max_price_impact: the fraction above which an order is refused unless its impact was confirmed.
        slot: the slot at which the pools were read.
        rate: tokenOut per tokenIn that is taken, where that is not all of the amount.
        age_slots: how many slots ago that was.
        legs: the route.
        left_over: what it leaves in the wallet, in words.
    """
    too_large = price_impact > MOST_PRICE_IMPACT
    rate = amount_out / amount_in if rate is None else rate
    best = best_dex(dex_quotes, selected_dex)
    return Quote(
        key="" if too_large else "|".join((token_in, token_out, *map(number, (amount_in, amount_out, min_out)))),
        risky=max_price_impact < price_impact <= MOST_PRICE_IMPACT,
        too_large=f"Price impact above {percent(MOST_PRICE_IMPACT)}" if too_large else "",
        amount_out=amount(amount_out),
        rate=f"1 {token_in} = {price(rate)} {token_out}",
        rate_back=f"1 {token_out} = {price(1 / rate)} {token_in}",
        floor=f"{amount(min_out)} {token_out}",
        impact=percent(max(price_impact, Decimal(0))),
        impact_tone=impact_tone(price_impact),
        slot=f"{slot:,}",
        age=as_of(slot, age_slots),
        route=in_words(legs) if legs else "",
        better_than_one=_better_than_one(legs, dex_quotes, amount_in, amount_out, token_out),
        left_over=left_over,
        legs=list(legs),
        venues=[_venue(dex, dex_quotes, best, amount_in, token_out) for dex in Dex],
    )


def quote_of(view: QuoteView, listed: Sequence[Token], max_price_impact: Decimal) -> Quote:
    """A quote as the page shows it.

    Args:
        view: the quote.
        listed: the tokens whose amounts on the way can be told, beside the quote's own.
        max_price_impact: the fraction above which an order is refused unless its impact was confirmed.
    """
    paid, received = view.token_in, view.token_out
    decision = view.decision.as_json(paid.decimals, received.decimals)
    worth = worth_by((*listed, paid, received))
    return quote_card(
        token_in=token_label(paid),
        token_out=token_label(received),
        amount_in=whole(view.amount_in, paid.decimals),
        amount_out=whole(view.amount_out, received.decimals),
        min_out=whole(view.min_out, received.decimals),
        dex_quotes=view.dex_quotes,
        selected_dex=view.selected_dex,
        price_impact=view.price_impact,
        max_price_impact=max_price_impact,
        slot=view.slot,
        rate=view.price,
        age_slots=view.age.slots,
        legs=route_legs(decision, worth),
        left_over=left_over(decision, worth),
    )


def mints_of(view: QuoteView) -> list[Pubkey]:
    """What the route pays and then receives, each once."""
    return list(dict.fromkeys(mint for leg in view.route.legs for mint in (leg.mint_in, leg.mint_out)))


def best_dex(quotes: Mapping[Dex, Decimal | None], selected: Dex) -> Dex:
    """The DEX whose best single pool pays most; of equals the one that was selected."""
    return max(quotes, key=lambda dex: (quotes[dex] or Decimal(0), dex == selected), default=selected)


def impact_tone(price_impact: Decimal) -> str:
    """The tone of a price impact: none up to 1 %, warn above, bad above 5 %."""
    if price_impact > IMPACT_BAD:
        return "bad"
    return "warn" if price_impact > IMPACT_WARN else ""


def impact_allowed(price_impact: Decimal) -> Decimal:
    """The price impact that an order may have whose impact was shown and confirmed, to a hundredth of a percent."""
    allowed = (price_impact + IMPACT_LEEWAY).quantize(Decimal("0.0001"), rounding=ROUND_UP)
    return min(allowed, MOST_PRICE_IMPACT)


def slippage_warning(slippage: Decimal) -> str:
    """What is to be said of a slippage (a fraction), or nothing."""
    if slippage > Decimal("0.03"):
        return "With so much slippage others can trade ahead of you at your cost."
    if slippage < Decimal("0.001"):
        return "With so little slippage the swap may fail when the price moves."
    return ""


def as_of(slot: int, behind: int) -> str:
    """At which slot the pools were read, and how many slots behind the newest one that was when it was told."""
    if behind <= 0:
        return f"as of slot {slot:,}"
    return f"as of slot {slot:,}, {behind:,} {'slot' if behind == 1 else 'slots'} behind"


def cost_rows(costs: SwapCosts, token_out: str) -> list[Cost]:
    """Fees and rents of a swap, item by item; what is not due is left out."""
    rows = [
        Cost("Network fee", _sol(costs.network_fee), "One signature", "cost-network"),
        Cost("Priority fee", f"≤ {_sol(costs.most_priority_fee)}", "What your place in a block costs", "cost-priority"),
    ]
    if costs.account_rent:
        note = f"Once, for your account of {token_out} or one on the way; it stays yours"
        rows.append(Cost("Account rent", _sol(costs.account_rent), note, "cost-rent"))
    if costs.lent_rent:
        note = "Needed while it lasts, comes back with the same transaction"
        rows.append(Cost("Returned rent", _sol(costs.lent_rent), note, "cost-lent"))
    return rows


def _sol(lamports: int) -> str:
    return f"{amount(Decimal(lamports).scaleb(-SOL_DECIMALS))} SOL"


def _better_than_one(
    legs: Sequence[RouteLeg],
    quotes: Mapping[Dex, Decimal | None],
    amount_in: Decimal,
    amount_out: Decimal,
    token_out: str,
) -> str:
    single = max((rate * amount_in for rate in quotes.values() if rate), default=None)
    if len(legs) < 2 or single is None or amount_out <= single:
        return ""
    return f"+{lead_basis_points(amount_out, single)} · +{amount(amount_out - single)} {token_out}"


def _venue(
    dex: Dex, quotes: Mapping[Dex, Decimal | None], winner: Dex, amount_in: Decimal, token_out: str
) -> VenueQuote:
    rate = quotes.get(dex)
    if rate is None:
        return VenueQuote(dex.value, DEX_NAMES[dex])
    best = dex == winner
    rivals = [other for name, other in quotes.items() if name != dex and other]
    lead = lead_money = ""
    if rivals:
        lead = f"+{lead_basis_points(rate, rivals[0])}" if best else f"−{lead_basis_points(rivals[0], rate)}"
        lead_money = f"{'+' if best else '−'}{amount(abs(rate - rivals[0]) * amount_in)} {token_out}"
    return VenueQuote(
        dex=dex.value,
        name=DEX_NAMES[dex],
        out=f"{amount(rate * amount_in)} {token_out}",
        rate=f"at {price(rate)}",
        lead=lead,
        lead_money=lead_money,
        best=best,
    )
