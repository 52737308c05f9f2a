"""Which of the pools that were found are worth reading. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from solders.pubkey import Pubkey

from engine_app.markets.pools.known import Pair
from engine_app.markets.venues.venue import Venue

DUST = 10_000
"""A pool is dust that holds less than one part in so many of what its pair's fullest pool holds, of both tokens."""


@dataclass(frozen=True, slots=True)
class FoundPool:
    """A pool as a search sees it.

    Attributes:
        address, venue: which.
        open: whether its status lets anybody swap.
        holds: base units in its vaults, in the order of the pair's mints; some venues' hold shares of tokens instead.
    """

    address: Pubkey
    venue: Venue
    open: bool
    holds: tuple[int, int]


def worth_reading(found: Sequence[FoundPool], pair: Pair, hubs: Collection[Pubkey]) -> list[FoundPool]:
    """Open pools that are no dust, those that hold most first.

    Dust is told without any price: by the pair's fullest pool in each of the two tokens. A pool is kept for one token
    alone, since one whose price left its range holds but one, and since anyone who mints a token can fill a pool with
    it, which must not make dust of all the others. For the same reason pools are ranked by what they hold of a hub
    where one of the two tokens is one. Where no pool is open the closed ones stay, so that an order is told why.

    Args:
        found: every pool of the pair.
        pair: its mints.
        hubs: mints that nobody can make at will and that most pairs have as one side.
    """
    candidates = [pool for pool in found if pool.open] or list(found)
    fullest = [max((pool.holds[side] for pool in candidates), default=0) for side in (0, 1)]
    kept = [pool for pool in candidates if any(pool.holds[side] * DUST >= fullest[side] > 0 for side in (0, 1))]
    ranked_by = [side for side in (0, 1) if pair[side] in hubs] or [0, 1]

    def rank(pool: FoundPool) -> tuple[int, int, bytes]:
        return prod(pool.holds[side] for side in ranked_by), prod(pool.holds), bytes(pool.address)

    return sorted(kept, key=rank, reverse=True)
