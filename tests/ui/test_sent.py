"""What a tab sends is taken as what it should be, whatever it is."""

from __future__ import annotations

import pytest

from engine_app.ui import sent


def test_a_text_has_no_space_at_its_ends_and_is_not_longer_than_asked() -> None:
    assert sent.text("  Cold wallet ", 4) == "Cold"
    assert len(sent.text("x" * 1_000)) == sent.LONGEST_TEXT
    assert sent.text(None) == "None"


def test_half_a_character_is_a_question_mark() -> None:
    assert sent.legible("a\ud800b\U0001f600") == "a?b\U0001f600"
    assert sent.text(" \udfff ") == "?"
    assert sent.fields({"\ud800": "\ud800", "label": ["\ud800"]}) == {"?": "?", "label": "['\\ud800']"}


@pytest.mark.parametrize("form", ["address=x", None, 5, ["address"], []])
def test_what_is_no_form_has_no_fields(form: object) -> None:
    assert sent.fields(form) == {}


def test_fields_are_texts_as_they_were_sent() -> None:
    assert sent.fields({"password": " pass word ", "amount": 5, "label": "", "days": None}) == {
        "password": " pass word ",
        "amount": "5",
    }


@pytest.mark.parametrize("value", ["7", 7.0, True, 0, -1, 2**31, None, [7]])
def test_what_is_no_id_names_no_row(value: object) -> None:
    assert sent.row_id(value) == 0


def test_an_id_is_taken_as_it_is() -> None:
    assert sent.row_id(7) == 7
