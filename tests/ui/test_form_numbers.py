"""Numbers as they are typed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine_app.ui.form_numbers import LONGEST_INPUT, fraction, typed


@pytest.mark.parametrize(("text", "taken"), [("1 000.5", "1000.5"), ("1\u00a0000", "1000"), (None, "None"), ("", "")])
def test_spaces_are_no_part_of_a_number(text: object, taken: str) -> None:
    assert typed(text) == taken


def test_what_is_too_long_is_cut() -> None:
    assert len(typed("1" * 1_000)) == LONGEST_INPUT


def test_a_percentage_is_a_hundredth_and_anything_else_no_number() -> None:
    assert fraction("0.5") == Decimal("0.005")
    assert fraction("1,5").is_nan()
    assert fraction("").is_nan()
