"""The pairs that a process knows: always the ones it was told, else those that were asked for lately. Pure.

Moments are seconds of a monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine_app.markets.pools.discovery import Found
from engine_app.markets.pools.known import KnownPool, Pair

MOST_ASKED = 48
"""Pairs that are searched again and again because somebody asked for them; the one asked for longest ago makes room."""
ASKED_SECONDS = 900
"""How long a pair that nobody asks for any more is still searched."""
EMPTY_SECONDS = 60
"""How long it holds that a pair has no pool."""
MOST_EMPTY = 1_000

_DUE = 0.8
"""Of the refresh period: the rest is left for the search and for the others to hear of it."""


@dataclass(frozen=True, slots=True)
class KnownPair:
    """What was found for a pair, and the moment of the search."""

    found: Found
    searched_at: float


class KnownPairs:
    """Bounded, whoever asks for whatever."""

    def __init__(self, always: Iterable[Pair], refresh_seconds: float) -> None:
        self._always = dict.fromkeys(always)
        self._refresh_seconds = refresh_seconds
        self._asked: OrderedDict[Pair, float] = OrderedDict()
        self._empty: OrderedDict[Pair, KnownPair] = OrderedDict()
        self._pairs: dict[Pair, KnownPair] = {}

    def get(self, pair: Pair) -> KnownPair | None:
        """What the last search found for a pair, however long ago."""
        return self._pairs.get(pair) or self._empty.get(pair)

    def ask(self, pair: Pair, now: float) -> KnownPair | None:
        """What is known of a pair, None where nothing is any more. Asking for one that has pools keeps it known."""
        known = self.get(pair)
        if known is None or pair in self._always:
            return known
        if known.found.pools:
            self._asked[pair] = now
            self._asked.move_to_end(pair)
            return known
        return known if now - known.searched_at < EMPTY_SECONDS else None

    def learn(self, pair: Pair, found: Found, *, searched_at: float, now: float) -> KnownPair:
        """Take what a search found, unless a later one is known; of pools that are known already the accounts that
        were seen to be needed last are kept."""
        before = self.get(pair)
        if before is not None and before.searched_at > searched_at:
            return before
        kept = {} if before is None else {pool.address: pool for pool in before.found.pools}
        pools = tuple(kept.get(pool.address, pool) for pool in found.pools)
        learnt = KnownPair(replace(found, pools=pools), searched_at)
        self._empty.pop(pair, None)
        if pools:
            self._pairs[pair] = learnt
            if pair not in self._always and pair not in self._asked:
                self._asked[pair] = now
                self._make_room()
        else:
            self._forget(pair)
            self._empty[pair] = learnt
            if len(self._empty) > MOST_EMPTY:
                self._empty.popitem(last=False)
        return learnt

    def remember(self, moved: Sequence[KnownPool]) -> None:
        """Have pools that are known ask for the accounts that they were seen to need."""
        by_address = {pool.address: pool for pool in moved}
        for pair, known in self._pairs.items():
            pools = known.found.pools
            if not by_address.keys().isdisjoint(pool.address for pool in pools):
                newer = tuple(by_address.get(pool.address, pool) for pool in pools)
                self._pairs[pair] = replace(known, found=replace(known.found, pools=newer))

    def due(self, now: float) -> list[Pair]:
        """Pairs to search now; those that nobody has asked for lately are forgotten."""
        for pair in [pair for pair, asked_at in self._asked.items() if now - asked_at >= ASKED_SECONDS]:
            self._forget(pair)
        return [pair for pair in (*self._always, *self._asked) if self.age(pair, now) >= _DUE * self._refresh_seconds]

    def age(self, pair: Pair, now: float) -> float:
        """Seconds since the pair was searched; infinite where it never was."""
        known = self.get(pair)
        return float("inf") if known is None else now - known.searched_at

    def fresh(self, age: float) -> bool:
        """Whether a finding of this age, seconds, needs no new search yet."""
        return age < _DUE * self._refresh_seconds

    def without_search(self) -> frozenset[str]:
        """Venues by name that could not be searched for some pair."""
        known = (*self._pairs.values(), *self._empty.values())
        return frozenset().union(*(pair.found.without_search for pair in known))

    def _make_room(self) -> None:
        while len(self._asked) > MOST_ASKED:
            self._forget(next(iter(self._asked)))

    def _forget(self, pair: Pair) -> None:
        self._asked.pop(pair, None)
        self._pairs.pop(pair, None)
