"""Codes are unique, explained and documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine_app import errors_table
from engine_app.errors import EngineError, all_codes, explain, register

PROJECT = Path(__file__).resolve().parents[1]


def every_error() -> list[type[EngineError]]:
    """All classes below the base, of every room."""
    found: list[type[EngineError]] = []
    waiting = [EngineError]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.__subclasses__()
    return found


def test_the_page_of_codes_is_up_to_date() -> None:
    assert (PROJECT / "docs" / "errors.md").read_text() == errors_table.markdown(), "run `make settings`"


def test_every_error_has_a_registered_code_of_its_own() -> None:
    for error in every_error():
        if error.__module__.startswith("engine_app"):
            assert explain(error.code).code == error.code


@pytest.mark.parametrize("sentence", ["happened", "money", "next_step"])
def test_every_code_says_what_happened_to_whom(sentence: str) -> None:
    assert len(all_codes()) > 30
    for code in all_codes():
        assert getattr(code, sentence).endswith("."), code


def test_a_code_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        register("INTERNAL", "Again.", "Nothing.", "Nothing.")
