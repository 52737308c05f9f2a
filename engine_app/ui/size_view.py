"""How prices over sizes are drawn: a line for each exchange, this order marked, each overtaking named. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from engine_app.markets.routing.price import token_price
from engine_app.markets.routing.sizes import PriceBySize
from engine_app.markets.tokens import Token, whole
from engine_app.ui.figures import amount
from engine_app.ui.order_view import DEX_NAMES
from engine_app.ui.token_choice import token_label


@dataclass(frozen=True)
class SizeChart:
    """The chart.

    Attributes:
        points: `{size, raydium, meteora}` in whole tokens and tokenOut per tokenIn; an exchange without a pool that
            takes the size is missing there.
        mine: the order's own size.
        changes: `{size}` of each overtaking.
        words: what the lines say, in words.
    """

    points: list[dict[str, float]] = field(default_factory=list)
    mine: float = 0.0
    changes: list[dict[str, float]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def size_chart(found: PriceBySize, paid: Token, received: Token, amount_in: int) -> SizeChart:
    """The chart of what was found around an order of `amount_in` base units.

    The only floats of the page: a drawing library places them, nobody reckons with them.
    """

    def size(units: int) -> float:
        return float(whole(units, paid.decimals))

    points = [
        {"size": size(point.amount_in)}
        | {
            dex.value: float(token_price(point.amount_in, units, paid.decimals, received.decimals))
            for dex, units in point.amounts_out.items()
        }
        for point in found.points
    ]
    return SizeChart(
        points=points,
        mine=size(amount_in),
        changes=[{"size": size(change.amount_in)} for change in found.overtakings],
        words=_words(found, paid),
    )


def _words(found: PriceBySize, paid: Token) -> list[str]:
    leaders = [point.leader for point in found.points if point.leader is not None]
    if not leaders:
        return []
    unit = token_label(paid)
    if not found.overtakings:
        return [f"{DEX_NAMES[leaders[0]]} pays most at every size shown."]
    return [
        f"From about {amount(_rounded(whole(change.amount_in, paid.decimals)))} {unit} on, "
        f"{DEX_NAMES[change.leader]} pays most."
        for change in found.overtakings
    ]


def _rounded(value: Decimal) -> Decimal:
    """Two significant digits: an overtaking is found about so exactly."""
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 1))
