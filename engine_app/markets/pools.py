"""The pools of a pair: found once and kept in memory, then read together in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, AccountsAtSlot, DecodeError
from engine_app.chain.background import keep_running, stop
from engine_app.chain.call_counts import counted_apart
from engine_app.chain.clusters import Cluster
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.methods import ADDRESSES_PER_CALL, Methods
from engine_app.chain.rpc import Rpc
from engine_app.markets.errors import NoPool
from engine_app.markets.in_flight import InFlight
from engine_app.markets.routing import RefusedPool
from engine_app.markets.venues.clock import CLOCK_SYSVAR, ChainClock, decode_clock
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import Pool, Venue
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

Pair = tuple[Pubkey, Pubkey]

ROOM_FOR_EXTRA = 9
"""Accounts besides the clock that a snapshot can read along with the pools in its one call."""

_LEARNING_READS = 3
"""Most reads that tell all accounts of new pools: what pools name, what those name, and once more."""


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pools of a pair at one slot.

    Attributes:
        slot: at which all was read.
        clock: the chain's clock of that slot.
        pools: the pools that could be decoded.
        refused: the others, with the reason.
        accounts: everything that was read, the asked-for extra accounts among it.
        missing: accounts that the first read showed to be needed too, such as arrays of ticks that the price came to;
            where there are any, all was read once more.
    """

    slot: int
    clock: ChainClock
    pools: tuple[Pool, ...]
    refused: tuple[RefusedPool, ...]
    accounts: AccountsAtSlot
    missing: frozenset[Pubkey]


class Pools:
    """Knows the pools of pairs. Each process makes one."""

    def __init__(self, rpc: Rpc, cluster: Cluster, refresh_seconds: float, *, pairs: Sequence[Pair] = ()) -> None:
        """Nothing is read before `start` or the first question.

        Args:
            rpc: the chain.
            cluster: gives the venues' programs.
            refresh_seconds: between two searches for new pools of every pair that was asked for.
            pairs: pairs to know from the start on, in either order of their mints.
        """
        self._rpc = rpc
        self._venues = venues_for(cluster)
        self._refresh_seconds = refresh_seconds
        self._known: dict[Pair, tuple[KnownPool, ...]] = {}
        self._wanted = dict.fromkeys(_ordered(*pair) for pair in pairs)
        self._searches: InFlight[Pair, tuple[KnownPool, ...]] = InFlight()
        self._without_search: set[str] = set()
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to search in the background, at once and then every `refresh_seconds`."""
        self._refreshing = keep_running(self._refresh, "pools")

    async def close(self) -> None:
        """End the background search."""
        await stop(self._refreshing)
        await self._searches.close()

    @property
    def venues_without_search(self) -> frozenset[str]:
        """Venues by name whose pools are known only as far as their addresses can be derived, because every node
        refuses getProgramAccounts."""
        return frozenset(self._without_search)

    async def known(self, mint_a: Pubkey, mint_b: Pubkey) -> tuple[KnownPool, ...]:
        """The pair's pools, from memory where it was asked for before. Raises RpcUnavailable."""
        pair = _ordered(mint_a, mint_b)
        self._wanted.setdefault(pair)
        found = self._known.get(pair)
        return await self._search(pair, self._rpc) if found is None else found

    async def snapshot(self, mint_in: Pubkey, mint_out: Pubkey, extra: Sequence[Pubkey] = ()) -> Snapshot:
        """All pools of the pair at one slot, with one getMultipleAccounts once the pair is known.

        Where a price has left the arrays it was known to stand among, a second one reads all again with the new
        arrays, which the next snapshot asks for at once.

        Args:
            mint_in, mint_out: the pair; the order does not matter.
            extra: further accounts to read along, such as the taker's; up to `ROOM_FOR_EXTRA` fit the one call.

        Raises:
            NoPool: the pair has no pool.
            RpcUnavailable: no node answers.
        """
        known = await self.known(mint_in, mint_out)
        if not known:
            raise NoPool(f"there is no pool of {mint_in} and {mint_out}")
        wanted = _wanted(known, extra)
        read = await self._rpc.accounts(wanted)
        moved = tuple(_as_it_stands(pool, read.accounts) for pool in known)
        missing = frozenset(key for pool in moved for key in pool.accounts).difference(wanted)
        if missing:
            log.info("pools.arrays_missing", pair=[str(mint_in), str(mint_out)], arrays=len(missing))
            pair = _ordered(mint_in, mint_out)
            if self._known.get(pair) is known:
                self._known[pair] = moved
            with counted_apart():
                read = await self._rpc.accounts(_wanted(moved, extra))
        pools, refused = _decode(known, read.accounts)
        return Snapshot(
            slot=read.slot,
            clock=_clock(read.accounts),
            pools=tuple(pools),
            refused=tuple(refused),
            accounts=read,
            missing=missing,
        )

    async def _refresh(self) -> None:
        while True:
            for pair in list(self._wanted):
                try:
                    await self._search(pair, self._rpc.poll())
                except RpcUnavailable as error:
                    log.warning("pools.search_waits", error=error.detail)
                    break
                except RpcRefused as error:
                    log.error("pools.search_refused", pair=[str(mint) for mint in pair], error=error.detail)
            await asyncio.sleep(self._refresh_seconds)

    async def _search(self, pair: Pair, methods: Methods) -> tuple[KnownPool, ...]:
        return await self._searches.share(pair, lambda: self._find(pair, methods))

    async def _find(self, pair: Pair, methods: Methods) -> tuple[KnownPool, ...]:
        by_venue = await asyncio.gather(*(self._find_in(venue, pair, methods) for venue in self._venues))
        accounts = {key: account for _, pools in by_venue for key, account in pools.items()}
        found = [pool for venue, pools in by_venue for pool in _usable(venue, pools)]
        found = await _with_all_they_need(found, accounts, methods)
        fitting = tuple(_deepest(found, pair, accounts))
        before = self._known.get(pair)
        self._known[pair] = fitting
        if before is None or {pool.address for pool in before} != {pool.address for pool in fitting}:
            tell = log.debug if before is None else log.info
            tell(
                "pools.found",
                pair=[str(mint) for mint in pair],
                pools=[str(pool.address) for pool in fitting],
                left_out=len(found) - len(fitting),
            )
        return fitting

    async def _find_in(self, venue: Venue, pair: Pair, methods: Methods) -> tuple[Venue, dict[Pubkey, Account]]:
        accounts: dict[Pubkey, Account] = {}
        try:
            for size, memcmp in venue.pool_filters(*pair):
                accounts |= await methods.program_accounts(venue.program_id, size, memcmp)
        except RpcRefused as error:
            if venue.name not in self._without_search:
                log.warning("pools.derived_only", venue=venue.name, error=error.detail)
            self._without_search.add(venue.name)
            accounts = dict((await methods.accounts(venue.derived_pools(*pair))).accounts)
        else:
            self._without_search.discard(venue.name)
        return venue, accounts


def _ordered(mint_a: Pubkey, mint_b: Pubkey) -> Pair:
    return (mint_a, mint_b) if bytes(mint_a) < bytes(mint_b) else (mint_b, mint_a)


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


def _wanted(pools: Sequence[KnownPool], extra: Sequence[Pubkey]) -> list[Pubkey]:
    return list(dict.fromkeys((CLOCK_SYSVAR, *extra, *(key for pool in pools for key in pool.accounts))))


def _as_it_stands(pool: KnownPool, accounts: Mapping[Pubkey, Account]) -> KnownPool:
    """The pool with the accounts that it needs in this state; as it was where it cannot be read any more."""
    try:
        needed = tuple(pool.venue.needed_accounts(pool.address, accounts))
    except DecodeError:
        return pool
    return pool if needed == pool.needed else replace(pool, needed=needed)


async def _with_all_they_need(
    found: list[KnownPool], accounts: dict[Pubkey, Account], methods: Methods
) -> list[KnownPool]:
    """The pools with everything they need; what is read for it joins `accounts`."""
    asked = set(accounts)
    for _ in range(_LEARNING_READS):
        unread = dict.fromkeys(key for pool in found for key in pool.needed if key not in asked)
        if not unread:
            break
        asked.update(unread)
        accounts |= (await methods.accounts(list(unread))).accounts
        found = [_as_it_stands(pool, accounts) for pool in found]
    return found


def _deepest(found: list[KnownPool], pair: Pair, accounts: Mapping[Pubkey, Account]) -> list[KnownPool]:
    """The pools that fit one call beside clock and extra accounts: all of them, else those that hold most."""
    room = ADDRESSES_PER_CALL - 1 - ROOM_FOR_EXTRA
    wanted = dict.fromkeys(key for pool in found for key in pool.accounts)
    if len(wanted) <= room:
        return found
    pools, _ = _decode(found, accounts)
    depth = {pool.address: pool.reserve(pair[0]) * pool.reserve(pair[1]) for pool in pools}
    fitting: list[KnownPool] = []
    taken: set[Pubkey] = set()
    for pool in sorted(found, key=lambda pool: depth.get(pool.address, 0), reverse=True):
        if len(taken.union(pool.accounts)) > room:
            break
        taken.update(pool.accounts)
        fitting.append(pool)
    return fitting


def _decode(known: Sequence[KnownPool], accounts: Mapping[Pubkey, Account]) -> tuple[list[Pool], list[RefusedPool]]:
    pools: list[Pool] = []
    refused: list[RefusedPool] = []
    for pool in known:
        try:
            pools.append(pool.venue.decode(pool.address, accounts))
        except DecodeError as error:
            refused.append(RefusedPool(pool.address, pool.venue.name, pool.venue.dex, str(error)))
    return pools, refused


def _clock(accounts: Mapping[Pubkey, Account]) -> ChainClock:
    try:
        return decode_clock(accounts.get(CLOCK_SYSVAR))
    except DecodeError as error:
        raise RpcUnavailable(f"the node gives no clock: {error}") from error
