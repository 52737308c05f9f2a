"""Which worker dies where: drawn from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.chaos.kills.steps import Point
from tests.chaos.kills.trap import Aim

AIMS = 5
"""Aims of one worker; the first that it reaches counts."""

SKIPS = (0, 0, 1, 3)
LINGERS_MS = (0, 0, 0, 2, 8)


class Plan:
    """Aims for one worker after the other, until each target was hit often enough."""

    def __init__(self, targets: Sequence[tuple[Point, ...]], kills: int, seed: int) -> None:
        """
        Args:
            targets: what is to be hit; a target of several points at any of them.
            kills: how many in all.
            seed: the same one draws the same aims, as long as the same are hit.
        """
        self.seed = seed
        self._targets = targets
        self._kills = kills
        self._chance = Random(seed)  # noqa: S311 - repeatable on purpose
        self.hits: Counter[Point] = Counter()
        self.strays = 0
        """Kills of workers that reached none of their aims in time."""

    @property
    def kills(self) -> int:
        """Kills so far."""
        return self.hits.total() + self.strays

    def is_done(self) -> bool:
        """Whether every target was hit and there were enough kills."""
        return self.kills >= self._kills and not self.missed()

    def note(self, at: Point | None) -> None:
        """A worker was killed at this point, or off the path."""
        if at is None:
            self.strays += 1
        else:
            self.hits[at] += 1

    def missed(self) -> list[tuple[Point, ...]]:
        """The targets that were never hit."""
        return [target for target in self._targets if not self._hits_of(target)]

    def aims(self) -> list[Aim]:
        """Of the next worker: some of the targets that were hit too rarely."""
        enough = max(1, self._kills // len(self._targets))
        due = [target for target in self._targets if self._hits_of(target) < enough] or list(self._targets)
        chosen = self._chance.sample(due, min(AIMS, len(due)))
        return [Aim(self._chance.choice(target), self._skip(target)) for target in chosen]

    def linger_ms(self) -> int:
        """How long the next worker goes on after its aim, milliseconds: into the statement, not just before it."""
        return self._chance.choice(LINGERS_MS)

    def _skip(self, target: tuple[Point, ...]) -> int:
        """How often to pass the aim first; never what was not hit yet, which may be rare."""
        return self._chance.choice(SKIPS) if self._hits_of(target) else 0

    def _hits_of(self, target: tuple[Point, ...]) -> int:
        return sum(self.hits[point] for point in target)
