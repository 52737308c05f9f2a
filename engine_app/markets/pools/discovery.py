"""Searching the chain for the pools of a pair."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.methods import ADDRESSES_PER_CALL, Methods
from engine_app.markets.pools.known import KnownPool, Pair, accounts_of, within
from engine_app.markets.pools.selection import FoundPool, worth_reading
from engine_app.markets.venues.venue import PoolHead, Venue
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

PAIR_ACCOUNTS = 180
"""Accounts that the known pools of a pair may need together: two calls beside what an order reads along."""

_BALANCE = (64, 8)
"""Offset and length of a token account's balance."""
_LEARNING_READS = 3
"""Most reads that tell all accounts of new pools: what pools name, what those name, and once more."""
_LEARNT_AT_ONCE = 20
"""Pools whose accounts are learnt together."""

_Head = tuple[Pubkey, Venue, PoolHead]
"""A pool of a pair, its vaults in the pair's order."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        pools: those worth reading, the ones that hold most first.
        without_search: venues by name of which only pools at derived and configured addresses were looked for,
            because no node answers getProgramAccounts.
    """

    pools: tuple[KnownPool, ...]
    without_search: frozenset[str]


class Discovery:
    """Finds pools by searching each venue's program; by address where no node searches."""

    def __init__(
        self, venues: Sequence[Venue], *, hubs: Collection[Pubkey] = (), configured: Sequence[Pubkey] = ()
    ) -> None:
        """Put it together.

        Args:
            venues: where to look.
            hubs: mints that nobody can make at will (see `selection`).
            configured: addresses of pools that are looked at where no node searches.
        """
        self._venues = venues
        self._hubs = frozenset(hubs)
        self._configured = tuple(configured)
        self._complained: set[str] = set()

    async def find(self, pair: Pair, methods: Methods, known: Iterable[KnownPool] = ()) -> Found:
        """The pair's pools, as many as `PAIR_ACCOUNTS` allow.

        Args:
            pair: which.
            methods: the chain.
            known: pools whose accounts are known already; they are not read again.

        Raises:
            RpcUnavailable, RpcRefused: the chain cannot be read.
        """
        by_venue = await asyncio.gather(*(self._heads(venue, pair, methods) for venue in self._venues))
        heads = [head for heads, _ in by_venue for head in heads]
        balances = await _balances([vault for _, _, head in heads for vault in head.vaults], methods)
        found = [
            FoundPool(address, venue, head.open, (balances.get(head.vaults[0], 0), balances.get(head.vaults[1], 0)))
            for address, venue, head in heads
        ]
        pools = await _learn(worth_reading(found, pair, self._hubs), {pool.address: pool for pool in known}, methods)
        without_search = frozenset(
            venue.name for venue, (_, searched) in zip(self._venues, by_venue, strict=True) if not searched
        )
        return Found(pools, without_search)

    async def _heads(self, venue: Venue, pair: Pair, methods: Methods) -> tuple[list[_Head], bool]:
        """Every pool of the pair on a venue, and whether a node searched for them."""
        try:
            heads = await self._heads_by_search(venue, pair, methods)
        except (RpcRefused, RpcUnavailable) as error:
            heads = await self._heads_by_address(venue, pair, methods)
            if venue.name not in self._complained:
                log.warning("pools.without_search", venue=venue.name, error=error.detail)
            self._complained.add(venue.name)
            return heads, False
        if venue.name in self._complained:
            self._complained.discard(venue.name)
            log.info("pools.searched_again", venue=venue.name)
        return heads, True

    async def _heads_by_search(self, venue: Venue, pair: Pair, methods: Methods) -> list[_Head]:
        filters = venue.pool_filters(*pair)
        searches = await asyncio.gather(
            *(
                methods.program_accounts(venue.program_id, size, memcmp, data_slice=venue.head_at)
                for size, memcmp in filters
            )
        )
        return [
            (address, venue, _in_order(venue.read_head(account.data), memcmp, pair))
            for (_, memcmp), found in zip(filters, searches, strict=True)
            for address, account in found.items()
        ]

    async def _heads_by_address(self, venue: Venue, pair: Pair, methods: Methods) -> list[_Head]:
        read = await methods.accounts([*venue.derived_pools(*pair), *self._configured])
        offset, length = venue.head_at
        return [
            (address, venue, _in_order(venue.read_head(account.data[offset : offset + length]), memcmp, pair))
            for address, account in read.accounts.items()
            for size, memcmp in venue.pool_filters(*pair)
            if account.owner == venue.program_id and len(account.data) == size and _matches(account, memcmp)
        ]


def _matches(account: Account, memcmp: Iterable[tuple[int, bytes]]) -> bool:
    return all(account.data[offset : offset + len(wanted)] == wanted for offset, wanted in memcmp)


def _in_order(head: PoolHead, memcmp: Sequence[tuple[int, bytes]], pair: Pair) -> PoolHead:
    """The head with its vaults in the pair's order; the filter that matched tells the pool's own."""
    if memcmp[0][1] == bytes(pair[0]):
        return head
    return PoolHead((head.vaults[1], head.vaults[0]), head.open)


async def _balances(vaults: Sequence[Pubkey], methods: Methods) -> dict[Pubkey, int]:
    """What token accounts hold, base units; one that does not exist is missing."""
    held: dict[Pubkey, int] = {}
    for start in range(0, len(vaults), ADDRESSES_PER_CALL):
        read = await methods.accounts(vaults[start : start + ADDRESSES_PER_CALL], data_slice=_BALANCE)
        held |= {key: int.from_bytes(account.data, "little") for key, account in read.accounts.items()}
    return held


async def _learn(
    chosen: Sequence[FoundPool], known: Mapping[Pubkey, KnownPool], methods: Methods
) -> tuple[KnownPool, ...]:
    """The first pools, as many as `PAIR_ACCOUNTS` allow, with all accounts that they need."""
    learnt: list[KnownPool] = []
    for start in range(0, len(chosen), _LEARNT_AT_ONCE):
        group = chosen[start : start + _LEARNT_AT_ONCE]
        new = await _with_all_they_need([pool for pool in group if pool.address not in known], methods)
        learnt += (pool for each in group if (pool := known.get(each.address) or new.get(each.address)) is not None)
        fitting = within(learnt, PAIR_ACCOUNTS)
        if len(fitting) < len(learnt):
            return fitting
    return tuple(learnt)


async def _with_all_they_need(found: Sequence[FoundPool], methods: Methods) -> dict[Pubkey, KnownPool]:
    """The pools with the accounts that they need; what turns out to be no pool is missing."""
    accounts: dict[Pubkey, Account] = {}
    asked: set[Pubkey] = set()
    pools = {pool.address: KnownPool(pool.address, pool.venue, ()) for pool in found}
    for _ in range(_LEARNING_READS):
        unread = dict.fromkeys(key for key in accounts_of(pools.values()) if key not in asked)
        if not unread:
            break
        asked.update(unread)
        accounts |= (await methods.accounts(list(unread))).accounts
        pools = {key: pool for key, pool in pools.items() if _is_pool(pool, accounts)}
        pools = {key: pool.as_it_stands(accounts) for key, pool in pools.items()}
    return pools


def _is_pool(pool: KnownPool, accounts: Mapping[Pubkey, Account]) -> bool:
    try:
        pool.venue.needed_accounts(pool.address, accounts)
    except DecodeError as error:
        log.debug("pools.not_a_pool", venue=pool.venue.name, address=str(pool.address), error=str(error))
        return False
    return True
