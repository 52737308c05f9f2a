"""The measured answers of the real programs in tests/vectors, by the file's name, with the venue they are of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine_app.markets.check import venue_of
from engine_app.markets.vectors import Case, State, read_vectors
from engine_app.markets.venues.venue import Venue

DIRECTORY = Path(__file__).parents[2] / "vectors"
FILES = tuple(sorted(path.name.removesuffix(".json.gz") for path in DIRECTORY.glob("*.json.gz")))

__all__ = ["DIRECTORY", "FILES", "Case", "State", "VenueVectors", "load", "state"]


@dataclass(frozen=True)
class VenueVectors:
    """One file: the venue, and every state with its cases."""

    venue: Venue
    states: tuple[State, ...]


@cache
def load(name: str) -> VenueVectors:
    """One file of tests/vectors by its name."""
    vectors = read_vectors(DIRECTORY / f"{name}.json.gz")
    return VenueVectors(venue_of(vectors), vectors.states)


def state(name: str, label: str) -> State:
    """One state of a file by its label."""
    return next(found for found in load(name).states if found.label == label)
