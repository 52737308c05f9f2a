"""How prices over sizes are drawn: a line for each exchange, this order marked, each overtaking named. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from engine_app.markets.routing.price import token_price
from engine_app.markets.routing.sizes import PriceBySize, SizePoint
from engine_app.markets.tokens import Token, whole
from engine_app.ui.figures import amount, price
from engine_app.ui.order_view import DEX_NAMES
from engine_app.ui.token_choice import token_label

DIGIT_PIXELS, AXIS_GAP_PIXELS = 7, 15
NEAR = 10
"""How many times larger or smaller than the order the sizes are that are drawn in any case."""


@dataclass(frozen=True)
class SizeChart:
    """The chart.

    Attributes:
        points: `{size, raydium, meteora}` in whole tokens and tokenOut per tokenIn; an exchange without a pool that
            takes the size is missing there.
        mine: the order's own size.
        ticks: sizes that the axis names.
        changes: `{size}` of each overtaking.
        price_width: how many pixels the longest price takes beside the axis.
        words: what the lines say, in words.
        none: why there is nothing to draw, where that is known.
    """

    points: list[dict[str, float]] = field(default_factory=list)
    mine: float = 0.0
    ticks: list[float] = field(default_factory=list)
    changes: list[dict[str, float]] = field(default_factory=list)
    price_width: int = 0
    words: list[str] = field(default_factory=list)
    none: str = ""


def size_chart(found: PriceBySize, paid: Token, received: Token, amount_in: int) -> SizeChart:
    """The chart of what was found around an order of `amount_in` base units.

    The only floats of the page: a drawing library places them, nobody reckons with them.
    """

    def size(units: int) -> float:
        return float(whole(units, paid.decimals))

    shown = _around(found, amount_in)
    points = [
        {"size": size(point.amount_in)}
        | {
            dex.value: float(token_price(point.amount_in, units, paid.decimals, received.decimals))
            for dex, units in point.amounts_out.items()
        }
        for point in shown
    ]
    return SizeChart(
        points=points,
        mine=size(amount_in),
        ticks=[float(tick) for tick in round_sizes(points[0]["size"], points[-1]["size"])] if points else [],
        changes=[{"size": size(change.amount_in)} for change in found.overtakings],
        price_width=DIGIT_PIXELS * max((_digits(point) for point in points), default=0) + AXIS_GAP_PIXELS,
        words=_words(found, paid),
        none="" if points else f"{token_label(paid)} and {token_label(received)} trade over another token only.",
    )


def _digits(point: dict[str, float]) -> int:
    """Of the longest price at a size."""
    return max(len(price(Decimal(str(paid)))) for name, paid in point.items() if name != "size")


def _around(found: PriceBySize, amount_in: int) -> list[SizePoint]:
    """The points from a tenth to tenfold of the order, and on to every overtaking: further out the lines only fall, and
    would press flat what matters here."""
    marks = [amount_in // NEAR, amount_in * NEAR]
    marks += [change.amount_in * 2 // 3 for change in found.overtakings]
    marks += [change.amount_in * 3 // 2 for change in found.overtakings]
    return [point for point in found.points if min(marks) <= point.amount_in <= max(marks)]


def round_sizes(least: float, most: float) -> list[Decimal]:
    """The powers of ten from one size to another."""
    first, last = Decimal(str(least)), Decimal(str(most))
    powers = (Decimal(1).scaleb(exponent) for exponent in range(first.adjusted(), last.adjusted() + 1))
    return [power for power in powers if first <= power <= last]


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
