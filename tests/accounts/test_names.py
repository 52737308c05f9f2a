"""Which usernames are allowed, and which are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_app.accounts.errors import InvalidUsername
from engine_app.accounts.names import MAX_KEY_CHARACTERS, clean_name, name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Alice", "aLICE"), ("STRASSE", "straße"), ("Ｂob", "bob"), ("Ångström", "A\u030angstrÖm"), (" eve ", "Eve")],
)
def test_names_that_differ_in_case_or_form_are_one(one: str, other: str) -> None:
    assert name_key(clean_name(one)) == name_key(clean_name(other))


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 51, "a\nb", "a\x00b", "a\u202eb", "a\u2028b", "\ud800", "\ufdfa" * 50]
)
def test_unusable_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidUsername):
        clean_name(name)


@pytest.mark.parametrize("name", ["x", "x" * 50, "Ünï cödé", "名前", "o'neil; DROP TABLE users", "🦊"])
def test_ordinary_names_are_kept_as_written(name: str) -> None:
    assert clean_name(name) == name


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = clean_name(text)
    except InvalidUsername:
        return
    assert 1 <= len(name) <= 50
    assert clean_name(name) == name
    assert 1 <= len(name_key(name)) <= MAX_KEY_CHARACTERS
    assert name_key(name_key(name)) == name_key(name)
    assert not any(unicodedata.category(character) == "Cc" for character in name)
