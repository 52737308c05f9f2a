"""Numbers as they are typed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine_app.ui.form_numbers import LONGEST_INPUT, fraction, typed, typed_percent


@pytest.mark.parametrize(
    ("text", "taken"),
    [("1 000.5", "1000.5"), ("1\u00a0000", "1000"), (None, "None"), ("", ""), ("1\ud800", "1?")],
)
def test_spaces_are_no_part_of_a_number(text: object, taken: str) -> None:
    assert typed(text) == taken


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\u00a0", "\u202f", "\u2009", "\u3000"])
def test_white_space_of_no_kind_is_part_of_a_number(space: str) -> None:
    assert typed(f"{space}1{space}000.5{space}") == "1000.5"


@pytest.mark.parametrize(
    ("text", "taken"), [("1 %", "1"), ("1%", "1"), (" 0.5\u202f%", "0.5"), ("1,5", "1,5"), ("", "")]
)
def test_a_percentage_may_be_typed_with_its_sign(text: str, taken: str) -> None:
    assert typed_percent(text) == taken


def test_what_is_too_long_is_cut() -> None:
    assert len(typed("1" * 1_000)) == LONGEST_INPUT


def test_a_percentage_is_a_hundredth_and_anything_else_no_number() -> None:
    assert fraction("0.5") == Decimal("0.005")
    assert fraction("1,5").is_nan()
    assert fraction("").is_nan()
    assert fraction("sNaN").is_nan()
    assert fraction("1e9999999").is_nan()
