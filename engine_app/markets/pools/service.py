"""Knowing the pools of pairs, and taking snapshots of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from redis.asyncio import Redis
from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot, DecodeError
from engine_app.chain.background import keep_running, stop
from engine_app.chain.call_counts import count_call, counted_apart
from engine_app.chain.clusters import Cluster
from engine_app.chain.errors import RpcRefused, RpcUnavailable, WrongCluster
from engine_app.chain.in_flight import InFlight
from engine_app.chain.methods import Methods
from engine_app.chain.rpc import Rpc
from engine_app.markets.errors import NoPool, SearchNeedsLogin
from engine_app.markets.pools.batches import Batches
from engine_app.markets.pools.discovery import Discovery, Found
from engine_app.markets.pools.known import KnownPool, Pair, accounts_of, ordered, within
from engine_app.markets.pools.memory import KnownPair, KnownPairs
from engine_app.markets.pools.reading import Chunk, plan, read
from engine_app.markets.pools.shared import SharedPools
from engine_app.markets.pools.snapshot import Snapshot, compose
from engine_app.markets.venues.clock import CLOCK_SYSVAR
from engine_app.markets.venues.registry import venues_for
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

ROOM_FOR_EXTRA = 9
"""Accounts besides the clock that a snapshot can read along with 90 accounts of pools in its one call."""
HOP_ACCOUNTS = 45
"""Accounts that a snapshot reads for the pools of one pair that is half of a way over an intermediate mint."""
SEARCHES_AT_ONCE = 4

_LONGEST_TICK_SECONDS = 1.0
_TICKS_PER_PERIOD = 10
_TROUBLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LastSearch:
    """When the pools of a pair were last searched, and how well.

    Attributes:
        seconds_ago: how long ago.
        without: venues by name of which only pools at derived and configured addresses were looked for.
    """

    seconds_ago: float
    without: frozenset[str]


Carrying = tuple[Pair, tuple[Pubkey, ...]]
"""A pair, and the mints over which it may be swapped too."""


class Pools:
    """Knows the pools of pairs. Each process makes one; what one finds, all know."""

    def __init__(
        self,
        rpc: Rpc,
        cluster: Cluster,
        refresh_seconds: float,
        *,
        pairs: Sequence[tuple[Pubkey, Pubkey]] = (),
        hubs: Sequence[Pubkey] = (),
        configured: Sequence[Pubkey] = (),
        max_slot_spread: int = 2,
        redis: Redis | None = None,
    ) -> None:
        """Nothing is read before `start` or the first question.

        Args:
            rpc: the chain.
            cluster: gives the venues' programs.
            refresh_seconds: within which a new pool of a known pair is found.
            pairs: pairs to know from the start on, in either order of their mints.
            hubs: mints that nobody can make at will: pools are ranked by what they hold of them.
            configured: addresses of pools that are looked at where no node searches.
            max_slot_spread: slots that a pool may have been read behind the others and still be compared.
            redis: where findings are shared with other processes; None where they are not.
        """
        self._rpc = rpc
        venues = venues_for(cluster)
        self._discovery = Discovery(venues, hubs=hubs, configured=configured)
        self._refresh_seconds = refresh_seconds
        self._max_slot_spread = max_slot_spread
        self._pairs = KnownPairs((ordered(*pair) for pair in pairs), refresh_seconds)
        self._shared = SharedPools(redis, venues, self._genesis)
        self._searches: InFlight[Pair, KnownPair | None] = InFlight()
        self._at_once = asyncio.Semaphore(SEARCHES_AT_ONCE)
        self._batches: Batches[Carrying, Snapshot] = Batches(self._take)
        self._looking: dict[Pair, asyncio.Task[None]] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to search in the background, at once and then whenever a pair is due."""
        self._refreshing = keep_running(self._refresh, "pools")

    async def close(self) -> None:
        """End the background search and every read."""
        await stop(self._refreshing, *self._looking.values())
        await self._searches.close()
        await self._batches.close()

    @property
    def venues_without_search(self) -> frozenset[str]:
        """Venues by name whose pools are known only as far as their addresses are derived or configured, because no
        node answers getProgramAccounts."""
        return self._pairs.without_search()

    def last_search(self, mint_a: Pubkey, mint_b: Pubkey) -> LastSearch | None:
        """The last search for the pair's pools that this process knows of, its own or another's."""
        known = self._pairs.get(ordered(mint_a, mint_b))
        return None if known is None else LastSearch(monotonic() - known.searched_at, known.found.without_search)

    async def known(self, mint_a: Pubkey, mint_b: Pubkey, *, discover: bool = True) -> tuple[KnownPool, ...]:
        """The pair's pools worth reading, those that hold most first.

        Args:
            mint_a, mint_b: the pair, in either order.
            discover: search the chain where no process knows the pair.

        Raises:
            SearchNeedsLogin: no process knows the pair, and it may not be searched.
            RpcUnavailable, RpcRefused: the chain cannot be searched.
        """
        return (await self._pair(ordered(mint_a, mint_b), discover=discover)).found.pools

    async def snapshot(
        self,
        mint_in: Pubkey,
        mint_out: Pubkey,
        extra: Sequence[Pubkey] = (),
        *,
        through: Sequence[Pubkey] = (),
        discover: bool = True,
    ) -> Snapshot:
        """All pools that may carry a swap, at one slot with one getMultipleAccounts once their pairs are known.

        Where they need more accounts than one call reads, several are made at the same time (see `reading`). Where a
        price has left the arrays it was known to stand among, all is read once more with the new arrays, which the
        next snapshot asks for at once. Readers of the same pools at the same moment share their calls and the snapshot
        (see `batches`); each counts the call as its own.

        Args:
            mint_in, mint_out: the pair; the order does not matter.
            extra: further accounts to read along, such as the taker's.
            through: intermediate mints: pools of (mint_in, mint) and (mint, mint_out) are read too where there are
                both.
            discover: search the chain for pairs that no process knows.

        Raises:
            NoPool: no pool leads from one to the other.
            SearchNeedsLogin: no process knows the pair, and it may not be searched.
            RpcUnavailable, RpcRefused: the chain cannot be read.
        """
        between = tuple(mint for mint in dict.fromkeys(through) if mint not in (mint_in, mint_out))
        carrying = _pools(await self._carrying(mint_in, mint_out, between, discover=discover))
        if not carrying:
            raise NoPool(f"there is no pool of {mint_in} and {mint_out}")
        count_call("getMultipleAccounts")
        return await self._batches.read((ordered(mint_in, mint_out), between), carrying, (CLOCK_SYSVAR, *extra))

    async def _carrying(
        self, mint_in: Pubkey, mint_out: Pubkey, between: Sequence[Pubkey], *, discover: bool
    ) -> list[KnownPair]:
        """The pair itself, then the two halves of each way over another mint, where both have pools."""
        direct, halves = await asyncio.gather(
            self._pair(ordered(mint_in, mint_out), discover=discover),
            asyncio.gather(
                *(
                    self._half(ordered(*pair), discover=discover)
                    for mint in between
                    for pair in ((mint_in, mint), (mint, mint_out))
                )
            ),
        )
        ways = [direct]
        for first, second in zip(halves[::2], halves[1::2], strict=True):
            if first is not None and second is not None and first.found.pools and second.found.pools:
                ways += (first, second)
        return ways

    async def _half(self, pair: Pair, *, discover: bool) -> KnownPair | None:
        """One half of a way over another mint. Where it had no pool when it was last searched, nobody is kept waiting
        while that is done anew."""
        before = self._pairs.get(pair)
        if before is not None and not before.found.pools and self._pairs.ask(pair, monotonic()) is None:
            if discover and pair not in self._looking:
                self._looking[pair] = asyncio.create_task(self._look_again(pair))
            return before
        try:
            return await self._pair(pair, discover=discover)
        except SearchNeedsLogin:
            return None

    async def _look_again(self, pair: Pair) -> None:
        try:
            with counted_apart():
                await self._pair(pair, discover=True)
        except (RpcUnavailable, RpcRefused) as error:
            log.warning("pools.search_waits", pairs=1, error=error.detail)
        finally:
            del self._looking[pair]

    async def _take(self, pools: Sequence[KnownPool], shared: Sequence[Pubkey]) -> Snapshot:
        """Read pools with all that they need, and again where that turns out to be more."""
        chunks = plan(shared, pools)
        reads = await read(self._rpc, chunks)
        moved = _as_they_stand(chunks, reads)
        missing = frozenset(accounts_of(moved)).difference(*(chunk.addresses for chunk in chunks))
        if missing:
            log.info("pools.arrays_missing", arrays=len(missing))
            self._pairs.remember(moved)
            chunks = plan(shared, moved)
            reads = await read(self._rpc, chunks)
        try:
            return compose(chunks, reads, max_slot_spread=self._max_slot_spread, missing=missing)
        except DecodeError as error:
            raise RpcUnavailable(f"the node gives no clock: {error}") from error

    async def _pair(self, pair: Pair, *, discover: bool) -> KnownPair:
        known = self._pairs.ask(pair, monotonic()) or await self._adopt(pair)
        if known is not None:
            return known
        if not discover:
            raise SearchNeedsLogin("nobody has asked for this pair lately, and to search for its pools needs a login")
        while known is None:
            # What is shared may be a renewal, which leaves the search to the process that is at it.
            known = await self._searches.share(pair, lambda: self._search_in_turn(pair))
        return known

    async def _adopt(self, pair: Pair) -> KnownPair | None:
        """What another process found, None where none did."""
        shared = await self._shared.get(pair)
        return None if shared is None else self._learn(pair, shared.found, shared.age)

    async def _search_in_turn(self, pair: Pair) -> KnownPair:
        """Search for an unknown pair, or wait for the process that does."""
        async with self._shared.search(pair, wait=True):
            return await self._adopt(pair) or await self._search(pair, self._rpc)

    async def _search(self, pair: Pair, methods: Methods) -> KnownPair:
        known = self._pairs.get(pair)
        found = await self._discovery.find(pair, methods, () if known is None else known.found.pools)
        await self._shared.put(pair, found)
        return self._learn(pair, found, 0.0)

    def _learn(self, pair: Pair, found: Found, age: float) -> KnownPair:
        now = monotonic()
        before = self._pairs.get(pair)
        learnt = self._pairs.learn(pair, found, searched_at=now - age, now=now)
        new = {pool.address for pool in found.pools}
        if before is not None and new != {pool.address for pool in before.found.pools}:
            gone = [str(pool.address) for pool in before.found.pools if pool.address not in new]
            came = [str(address) for address in new.difference(pool.address for pool in before.found.pools)]
            log.info("pools.changed", pair=[str(mint) for mint in pair], came=came, gone=gone)
        return learnt

    async def _refresh(self) -> None:
        tick = min(_LONGEST_TICK_SECONDS, self._refresh_seconds / _TICKS_PER_PERIOD)
        while True:
            due = self._pairs.due(monotonic())
            results = await asyncio.gather(*(self._renew(pair) for pair in due), return_exceptions=True)
            troubles = [result for result in results if result is not None]
            for trouble in troubles:
                if not isinstance(trouble, RpcUnavailable | RpcRefused):
                    raise trouble
            if troubles:
                log.warning("pools.search_waits", pairs=len(troubles), error=str(troubles[0]))
            else:
                metrics.POOLS_SEARCHED_AT.set_to_current_time()
            await asyncio.sleep(max(tick, min(_TROUBLE_SECONDS, self._refresh_seconds)) if troubles else tick)

    async def _renew(self, pair: Pair) -> None:
        async with self._at_once:
            await self._searches.share(pair, lambda: self._renewed(pair))

    async def _renewed(self, pair: Pair) -> KnownPair | None:
        """What another process found meanwhile, or a search of its own; None where another is just searching."""
        async with self._shared.search(pair, wait=False) as mine:
            if not mine:
                return None
            shared = await self._shared.get(pair)
            if shared is not None and self._pairs.fresh(shared.age):
                return self._learn(pair, shared.found, shared.age)
            return await self._search(pair, self._rpc.poll())

    def _genesis(self) -> str | None:
        try:
            return self._rpc.genesis
        except WrongCluster:
            return None


def _pools(ways: Sequence[KnownPair]) -> list[KnownPool]:
    """All pools of the pair itself, of the others the first ones."""
    direct, *halves = ways
    return [*direct.found.pools, *(pool for half in halves for pool in within(half.found.pools, HOP_ACCOUNTS))]


def _as_they_stand(chunks: Sequence[Chunk], reads: Sequence[AccountsAtSlot]) -> list[KnownPool]:
    return [
        pool.as_it_stands(answer.accounts) for chunk, answer in zip(chunks, reads, strict=True) for pool in chunk.pools
    ]
