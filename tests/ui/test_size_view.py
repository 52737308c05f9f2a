"""How prices over sizes are drawn."""

from __future__ import annotations

from decimal import Decimal

from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.routing.sizes import Overtaking, PriceBySize, SizePoint
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.venue import Dex
from engine_app.ui.size_view import AXIS_GAP_PIXELS, DIGIT_PIXELS, round_sizes, size_chart

TOKENS = TokenList(CLUSTERS["localnet"])
SOL, USDC = TOKENS.resolve("SOL"), TOKENS.resolve("USDC")
WHOLE = 10**9


def point(size: str, raydium: int | None, meteora: int | None) -> SizePoint:
    amounts = {Dex.RAYDIUM: raydium, Dex.METEORA: meteora}
    return SizePoint(int(Decimal(size) * WHOLE), {dex: units for dex, units in amounts.items() if units is not None})


def test_each_exchange_has_its_price_at_each_size_and_the_overtaking_is_named() -> None:
    found = PriceBySize(
        (
            point("0.01", 1_400_000, 1_410_000),
            point("1", 140_000_000, 141_000_000),
            point("10", 1_400_000_000, 1_300_000_000),
            point("100", 14_000_000_000, None),
        ),
        (Overtaking(5_640_000_000, Dex.RAYDIUM),),
    )
    chart = size_chart(found, SOL, USDC, WHOLE)
    assert chart.points == [
        {"size": 1.0, "raydium": 140.0, "meteora": 141.0},
        {"size": 10.0, "raydium": 140.0, "meteora": 130.0},
    ]
    assert (chart.mine, chart.changes) == (1.0, [{"size": 5.64}])
    assert chart.words == ["From about 5.6 SOL on, Raydium pays most."]


def test_the_axis_has_room_for_its_longest_price() -> None:
    bonk = TOKENS.resolve("BONK")
    dear = size_chart(PriceBySize((point("1", 748_000_000_000, 748_123_400_000),), ()), SOL, bonk, WHOLE)
    cheap = size_chart(PriceBySize((SizePoint(10**5, {Dex.RAYDIUM: 133}),), ()), bonk, SOL, 10**5)
    assert dear.price_width == len("7,481,234") * DIGIT_PIXELS + AXIS_GAP_PIXELS
    assert cheap.price_width == len("0.000000133") * DIGIT_PIXELS + AXIS_GAP_PIXELS


def test_a_far_overtaking_is_on_the_chart_too() -> None:
    found = PriceBySize(
        (point("1", 1, 2), point("60", 1, 2), point("100", 2, 1)), (Overtaking(80 * WHOLE, Dex.RAYDIUM),)
    )
    assert [each["size"] for each in size_chart(found, SOL, USDC, WHOLE).points] == [1.0, 60.0, 100.0]


def test_where_nobody_overtakes_the_leader_is_named() -> None:
    found = PriceBySize((point("1", 140_000_000, None),), ())
    assert size_chart(found, SOL, USDC, WHOLE).words == ["Raydium pays most at every size shown."]
    nothing = size_chart(PriceBySize((), ()), SOL, USDC, WHOLE)
    assert (nothing.words, nothing.none) == ([], "SOL and USDC trade over another token only.")


def test_the_axis_names_powers_of_ten() -> None:
    assert round_sizes(0.15, 150.0) == [1, 10, 100]
    assert round_sizes(0.1, 1.0) == [Decimal("0.1"), 1]
    assert round_sizes(2.0, 9.0) == []
