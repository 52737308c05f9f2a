"""Percentiles, and the order in which a slot's phases are tried."""

from __future__ import annotations

import random
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-percent * len(ranked) // 100) - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99, the largest, and how many there are."""
    told = {f"p{percent}": round(percentile(values, percent), 2) for percent in (50, 95, 99)}
    return told | {"max": round(max(values), 2), "count": len(values)}


def phases(count: int, seed: int) -> list[float]:
    """Fractions of a slot in random order, one out of each of `count` equal parts: chance evens out sooner."""
    chance = random.Random(seed)
    drawn = [(part + chance.random()) / count for part in range(count)]
    chance.shuffle(drawn)
    return drawn
