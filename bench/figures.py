"""Percentiles and medians, and the order in which a slot's phases are tried."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median


def percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99, the largest, and how many there are."""
    told = {f"p{percent}": round(percentile(values, percent), 2) for percent in (50, 95, 99)}
    return told | {"max": round(max(values), 2), "count": len(values)}


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median, and between what four fifths of the values lie."""
    low, high = percentile(values, 10), percentile(values, 90)
    return {"median": rounded(median(values)), "p10": rounded(low), "p90": rounded(high)}


def rounded(value: float) -> float:
    """To two decimal places; what is next to nothing is no negative nothing."""
    return round(value, 2) + 0.0


@contextmanager
def no_garbage() -> Iterator[None]:
    """Let the collector of cyclic garbage rest: one look of its takes longer than most of what is measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def phases(count: int, seed: int) -> list[float]:
    """Fractions of a slot in random order, one out of each of `count` equal parts: chance evens out sooner."""
    chance = random.Random(seed)
    drawn = [(part + chance.random()) / count for part in range(count)]
    chance.shuffle(drawn)
    return drawn
