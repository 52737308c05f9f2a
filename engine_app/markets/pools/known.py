"""Pools that exist, with the accounts that a quote of each needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.venue import Venue

Pair = tuple[Pubkey, Pubkey]
"""Two mints, the lower one by bytes first."""


@dataclass(frozen=True, slots=True)
class KnownPool:
    """A pool that exists, and every further account that a quote of it needs.

    These are the same for its life but for arrays of ticks or bins, which are those around its price when it was last
    read.
    """

    address: Pubkey
    venue: Venue
    needed: tuple[Pubkey, ...]

    @property
    def accounts(self) -> tuple[Pubkey, ...]:
        """All that has to be read for a quote."""
        return (self.address, *self.needed)

    def as_it_stands(self, accounts: Mapping[Pubkey, Account]) -> KnownPool:
        """The pool with the accounts that it needs in this state; as it was where it cannot be read any more."""
        try:
            needed = tuple(self.venue.needed_accounts(self.address, accounts))
        except DecodeError:
            return self
        return self if needed == self.needed else replace(self, needed=needed)


def ordered(mint_a: Pubkey, mint_b: Pubkey) -> Pair:
    """The pair of two mints."""
    return (mint_a, mint_b) if bytes(mint_a) < bytes(mint_b) else (mint_b, mint_a)


def accounts_of(pools: Iterable[KnownPool]) -> Iterator[Pubkey]:
    """All that has to be read for quotes of the pools; what two of them need comes twice."""
    return (key for pool in pools for key in pool.accounts)


def within(pools: Sequence[KnownPool], room: int) -> tuple[KnownPool, ...]:
    """The first pools, as many as need at most `room` accounts together."""
    fitting: list[KnownPool] = []
    taken: set[Pubkey] = set()
    for pool in pools:
        taken.update(pool.accounts)
        if len(taken) > room:
            break
        fitting.append(pool)
    return tuple(fitting)
