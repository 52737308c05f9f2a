"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.exact_json import number
from engine_app.ui import figures

amounts = st.decimals(min_value=Decimal("1e-12"), max_value=Decimal("1e15"), allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("1", "1"),
        ("1.5", "1.5"),
        ("224.516322", "224.5163"),
        ("0.8095547444", "0.809554"),
        ("0.00002413", "0.00002413"),
        ("0.000024137777", "0.0000241377"),
        ("48213394.11823", "48,213,394.11"),
        ("99999.99999", "99,999.9999"),
        ("1234", "1,234"),
        ("-1.5", "-1.5"),
        ("1e-9", "0.000000001"),
        ("1E+3", "1,000"),
    ],
)
def test_an_amount_is_cut_to_what_the_eye_can_use(value: str, text: str) -> None:
    assert figures.amount(Decimal(value)) == text


@given(amounts)
def test_an_amount_never_says_more_than_there_is(value: Decimal) -> None:
    shown = Decimal(figures.amount(value).replace(",", ""))
    assert 0 <= value - shown <= value * Decimal("0.0001")


@given(amounts)
def test_plain_keeps_every_digit(value: Decimal) -> None:
    text = number(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert not (text.endswith("0") and "." in text)


@pytest.mark.parametrize(
    ("value", "text"),
    [("149.678123", "149.678"), ("0.00648682499", "0.00648682"), ("6389000.4", "6,389,000"), ("1", "1"), ("0", "0")],
)
def test_a_price_has_six_digits(value: str, text: str) -> None:
    assert figures.price(Decimal(value)) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [("0.01", "1%"), ("0.0001", "0.01%"), ("0.00001", "< 0.01%"), ("0", "0%"), ("0.1234567", "12.35%")],
)
def test_a_fraction_reads_as_a_percentage(fraction: str, text: str) -> None:
    assert figures.percent(Decimal(fraction)) == text


def test_a_lead_is_in_basis_points_of_the_other() -> None:
    assert figures.lead_basis_points(Decimal("1.01"), Decimal(1)) == "100.0 bps"
    assert figures.lead_basis_points(Decimal("12.5"), Decimal(1)) == "115,000.0 bps"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "+0 ms"), (84, "+84 ms"), (1320, "+1.32 s"), (125_400, "+2 min 5 s"), (-5, "+0 ms")],
)
def test_the_time_between_two_moments(milliseconds: int, text: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert figures.since(start, start + timedelta(milliseconds=milliseconds)) == text


def test_a_long_identifier_is_shown_by_its_ends() -> None:
    assert figures.shortened("7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU") == "7xKX…gAsU"
    assert figures.shortened("SOL") == "SOL"


def test_a_number_keeps_the_digits_of_its_text() -> None:
    assert figures.exact("1.000000000000000001") == Decimal("1.000000000000000001")
    assert figures.exact(224.516322) == Decimal("224.516322")


@pytest.mark.parametrize(
    ("value", "text"),
    [("7801488.281668", "7,801,488.281668"), ("0.000005035", "0.000005035"), ("-1234.50", "-1,234.5"), ("0", "0")],
)
def test_an_amount_in_full_keeps_every_digit(value: str, text: str) -> None:
    assert figures.in_full(Decimal(value)) == text
