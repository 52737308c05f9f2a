from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.chain.answers import PrioritizationFee
from engine_app.chain.priority_fees import FeeLevel, capped_price, percentile_fee


def fees(*values: int) -> list[PrioritizationFee]:
    return [PrioritizationFee(slot=index, fee=value) for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("level", "expected"), [(FeeLevel.LOW, 1), (FeeLevel.MEDIUM, 2), (FeeLevel.HIGH, 3), (FeeLevel.VERY_HIGH, 4)]
)
def test_the_percentile_is_by_nearest_rank(level: FeeLevel, expected: int) -> None:
    assert percentile_fee(fees(4, 1, 3, 2), level) == expected


def test_only_the_newest_twenty_slots_count() -> None:
    assert percentile_fee(fees(*[1_000_000] * 50, *[7] * 20), FeeLevel.VERY_HIGH) == 7


def test_nothing_known_costs_nothing() -> None:
    assert percentile_fee([], FeeLevel.HIGH) == 0


@given(st.integers(0, 10**12), st.integers(1, 1_400_000), st.integers(0, 10**9))
def test_the_capped_price_never_pays_more_than_the_cap(price: int, limit: int, most: int) -> None:
    capped = capped_price(price, limit, most)
    assert capped <= price
    assert capped * limit <= most * 1_000_000
    if capped < price:
        assert (capped + 1) * limit > most * 1_000_000
