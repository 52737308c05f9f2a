"""Amounts that keep every digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.markets.errors import InvalidAmount
from engine_app.markets.tokens import MAX_UNITS, parse_amount, whole


@pytest.mark.parametrize(
    ("amount", "decimals", "units"),
    [
        ("1.5", 9, 1_500_000_000),
        ("1", 0, 1),
        ("0.000000001", 9, 1),
        ("1e-3", 6, 1_000),
        ("1.5E2", 5, 15_000_000),
        (".5", 6, 500_000),
        ("2.", 6, 2_000_000),
        ("0001.50", 6, 1_500_000),
        ("1." + "0" * 90, 6, 1_000_000),
        ("18446744073.709551615", 9, MAX_UNITS),
        (Decimal("1.5"), 9, 1_500_000_000),
        (Decimal("1." + "0" * 300), 9, 1_000_000_000),
    ],
)
def test_amounts_are_read_exactly(amount: str | Decimal, decimals: int, units: int) -> None:
    assert parse_amount(amount, decimals) == units


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("1.000000000000000001", "decimal places"),
        (Decimal("1.000000000000000001"), "decimal places"),
        ("0.0000000001", "decimal places"),
        ("1e-9999", "decimal places"),
        (Decimal("1e-999999"), "decimal places"),
        ("0", "above zero"),
        ("-1", "above zero"),
        ("-0.0", "above zero"),
        (Decimal(0), "above zero"),
        (Decimal("NaN"), "not a number"),
        (Decimal("sNaN"), "not a number"),
        (Decimal("Infinity"), "not a number"),
        ("18446744073.709551616", "more than"),
        ("1e9999", "more than"),
        (Decimal("1e999999"), "more than"),
        ("99999999999", "more than"),
        ("NaN", "not a decimal number"),
        ("Infinity", "not a decimal number"),
        ("", "not a decimal number"),
        (" 1", "not a decimal number"),
        ("+1", "not a decimal number"),
        ("1_000", "not a decimal number"),
        ("1,5", "not a decimal number"),
        ("٣", "not a decimal number"),
        ("1e99999", "not a decimal number"),
        ("1" * 101, "not a decimal number"),
        ("0x10", "not a decimal number"),
    ],
)
def test_other_amounts_are_refused(amount: str | Decimal, reason: str) -> None:
    with pytest.raises(InvalidAmount, match=reason) as invalid:
        parse_amount(amount, 9)
    assert (invalid.value.code, invalid.value.status) == ("INVALID_AMOUNT", 422)


def test_a_refused_text_is_quoted_without_escapes() -> None:
    with pytest.raises(InvalidAmount) as invalid:
        parse_amount("1\u202f000\t\"'\ud800", 9)
    assert str(invalid.value) == "'1�000�\"'�' is not a decimal number"


@given(units=st.integers(1, MAX_UNITS), decimals=st.integers(0, 18))
def test_units_and_whole_tokens_are_inverse(units: int, decimals: int) -> None:
    amount = whole(units, decimals)
    assert parse_amount(amount, decimals) == units
    assert parse_amount(str(amount), decimals) == units
    assert parse_amount(format(amount, "f"), decimals) == units


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(1_500_000_000, 9, "1.5"), (0, 9, "0"), (1_000_000, 6, "1"), (10**12, 6, "1000000"), (-25, 1, "-2.5")],
)
def test_whole_tokens_have_no_needless_zeros(units: int, decimals: int, text: str) -> None:
    assert str(whole(units, decimals)) == text
