"""Statements as they are sent to Postgres."""

from __future__ import annotations

from dataclasses import dataclass

MOST_BYTES = 4_096
MOST_VALUES = 50
"""psycopg (`psycopg/_queries.py`) looks for the placeholders of a longer text, or of one with more values, anew with
each execution; what it has found in others it keeps."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement, and how many values went with it."""

    text: bytes
    values: int


def is_known_by_its_text(sent: Sent) -> bool:
    """Whether psycopg keeps what it has found in the statement's text."""
    return len(sent.text) <= MOST_BYTES and sent.values <= MOST_VALUES
