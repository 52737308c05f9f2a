"""Usernames: which are allowed, and when two of them are the same."""

from __future__ import annotations

import unicodedata

from engine_app.accounts.errors import InvalidUsername

MAX_CHARACTERS = 50
MAX_KEY_CHARACTERS = 200


def clean_name(text: str) -> str:
    """The name without the spaces around it, composed (NFC), as it is stored and shown.

    Raises:
        InvalidUsername: empty, above 50 characters, or holding characters that cannot be seen.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_CHARACTERS:
        raise InvalidUsername(f"a username has 1 to {MAX_CHARACTERS} characters")
    if any(unicodedata.category(character)[0] == "C" or character in "\u2028\u2029" for character in name):
        raise InvalidUsername("a username holds visible characters only")
    if not 1 <= len(name_key(name)) <= MAX_KEY_CHARACTERS:
        raise InvalidUsername("this username cannot be compared with others; choose a simpler one")
    return name


def name_key(name: str) -> str:
    """The name folded for comparison: equal for names that differ only in case or in compatible forms."""
    folded = name
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return folded
