"""Searching the chain for the pools of a pair."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.errors import RpcRefused
from engine_app.chain.methods import Methods
from engine_app.markets.pools.known import KnownPool, Pair, accounts_of, within
from engine_app.markets.venues.venue import Venue
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

PAIR_ACCOUNTS = 180
"""Accounts that the known pools of a pair may need together: two calls beside what an order reads along."""

_LEARNING_READS = 3
"""Most reads that tell all accounts of new pools: what pools name, what those name, and once more."""


class Discovery:
    """Finds pools by searching each venue's program, or by deriving addresses where no node searches."""

    def __init__(self, venues: Sequence[Venue]) -> None:
        self._venues = venues
        self.without_search: set[str] = set()
        """Venues by name whose pools are known only as far as their addresses can be derived."""

    async def find(self, pair: Pair, methods: Methods) -> tuple[KnownPool, ...]:
        """The pair's pools, those that hold most first, as many as `PAIR_ACCOUNTS` allow.

        Raises:
            RpcUnavailable, RpcRefused: the chain cannot be read.
        """
        by_venue = await asyncio.gather(*(self._find_in(venue, pair, methods) for venue in self._venues))
        accounts = {key: account for _, pools in by_venue for key, account in pools.items()}
        found = [pool for venue, pools in by_venue for pool in _usable(venue, pools)]
        found = await _with_all_they_need(found, accounts, methods)
        return within(_deepest_first(found, pair, accounts), PAIR_ACCOUNTS)

    async def _find_in(self, venue: Venue, pair: Pair, methods: Methods) -> tuple[Venue, dict[Pubkey, Account]]:
        accounts: dict[Pubkey, Account] = {}
        try:
            for size, memcmp in venue.pool_filters(*pair):
                accounts |= await methods.program_accounts(venue.program_id, size, memcmp)
        except RpcRefused as error:
            if venue.name not in self.without_search:
                log.warning("pools.derived_only", venue=venue.name, error=error.detail)
            self.without_search.add(venue.name)
            accounts = dict((await methods.accounts(venue.derived_pools(*pair))).accounts)
        else:
            self.without_search.discard(venue.name)
        return venue, accounts


def _usable(venue: Venue, accounts: Mapping[Pubkey, Account]) -> list[KnownPool]:
    pools: list[KnownPool] = []
    for address in sorted(accounts, key=bytes):
        try:
            needed = venue.needed_accounts(address, accounts)
        except DecodeError as error:
            log.debug("pools.not_a_pool", venue=venue.name, address=str(address), error=str(error))
        else:
            pools.append(KnownPool(address, venue, tuple(needed)))
    return pools


async def _with_all_they_need(
    found: list[KnownPool], accounts: dict[Pubkey, Account], methods: Methods
) -> list[KnownPool]:
    """The pools with everything they need; what is read for it joins `accounts`."""
    asked = set(accounts)
    for _ in range(_LEARNING_READS):
        unread = dict.fromkeys(key for key in accounts_of(found) if key not in asked)
        if not unread:
            break
        asked.update(unread)
        accounts |= (await methods.accounts(list(unread))).accounts
        found = [pool.as_it_stands(accounts) for pool in found]
    return found


def _deepest_first(found: list[KnownPool], pair: Pair, accounts: Mapping[Pubkey, Account]) -> list[KnownPool]:
    depth = {pool.address: _depth(pool, pair, accounts) for pool in found}
    return sorted(found, key=lambda pool: depth[pool.address], reverse=True)


def _depth(pool: KnownPool, pair: Pair, accounts: Mapping[Pubkey, Account]) -> int:
    try:
        decoded = pool.venue.decode(pool.address, accounts)
    except DecodeError:
        return 0
    return decoded.reserve(pair[0]) * decoded.reserve(pair[1])
