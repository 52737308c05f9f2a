"""What a form takes as a number, and what it says of anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.markets.errors import InvalidAmount
from engine_app.ui.form_checks import LONGEST_SHOWN, cut, grouped, plain
from engine_app.ui.form_numbers import typed
from engine_app.ui.words import told


def said_of(text: str) -> str:
    """What a person is told of an unusable text."""
    with pytest.raises(InvalidAmount) as refused:
        plain(text)
    return told(refused.value)


@pytest.mark.parametrize("text", ["1", "1.5", ".5", "2.", "0001.50", "-1", "0"])
def test_digits_and_a_point_are_a_number(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter an amount."),
        ("1,5", "“1,5” is not a number. Write it as 1.5: a point before the decimals, no commas."),
        ("0,125", "“0,125” is not a number. Write it as 0.125: a point before the decimals, no commas."),
        ("1e2", "“1e2” has an exponent. Write all digits of the number."),
        ("1.5E-3", "“1.5E-3” has an exponent. Write all digits of the number."),
        (
            "abc",
            "“abc” is not a number. Write it like 1234.5: digits and a point before the decimals, no commas.",
        ),
    ],
)
def test_what_is_no_number_is_told_with_what_to_write_instead(text: str, words: str) -> None:
    assert said_of(text) == words


@pytest.mark.parametrize(
    "text", ["1,000", "12,000", "1,000.5", "1.000,5", "1,2,3", '"1\'000"', "٣", "+1", "NaN", "1_0"]
)
def test_nobody_guesses_what_a_text_of_two_meanings_is(text: str) -> None:
    assert said_of(text).startswith(f"“{text}” is not a number. Write it like 1234.5")


def test_a_text_is_quoted_as_it_can_be_seen() -> None:
    assert said_of("1\x00\ud8002").startswith("“1��2” is")
    assert said_of("9" * 100 + "x").startswith(f"“{'9' * LONGEST_SHOWN}…” is")


@given(text=st.text(st.characters(exclude_categories=[], exclude_characters="\\0123456789"), max_size=60))
def test_no_text_is_told_in_escapes(text: str) -> None:
    words = said_of(typed(text))
    assert words.isprintable()
    assert "\\" not in words


@pytest.mark.parametrize(
    ("text", "decimals", "left"),
    [
        ("1.123456789", 6, "1.123456"),
        ("1.5", 6, "1.5"),
        ("1.123456", 6, "1.123456"),
        ("1.9", 0, "1"),
        ("0.000000001", 6, ""),
        (".0000001", 6, ""),
        ("0", 6, "0"),
        ("", 6, ""),
        ("1,123456789", 6, "1,123456789"),
        ("1e-9", 6, "1e-9"),
    ],
)
def test_an_amount_loses_the_decimals_that_a_token_does_not_have(text: str, decimals: int, left: str) -> None:
    assert cut(text, decimals) == left


@pytest.mark.parametrize(
    ("text", "shown"), [("8000", "8,000"), ("1234567.891", "1,234,567.891"), ("0.5", "0.5"), ("", ""), ("1e9", "1e9")]
)
def test_digits_are_grouped_in_numbers_alone(text: str, shown: str) -> None:
    assert grouped(text) == shown
