"""Knowing the pools of pairs, and taking snapshots of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot, DecodeError
from engine_app.chain.background import keep_running, stop
from engine_app.chain.call_counts import counted_apart
from engine_app.chain.clusters import Cluster
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.methods import Methods
from engine_app.chain.rpc import Rpc
from engine_app.markets.errors import NoPool
from engine_app.markets.in_flight import InFlight
from engine_app.markets.pools.discovery import Discovery
from engine_app.markets.pools.known import KnownPool, Pair, accounts_of, ordered, within
from engine_app.markets.pools.reading import Chunk, plan, read
from engine_app.markets.pools.snapshot import Snapshot, compose
from engine_app.markets.venues.clock import CLOCK_SYSVAR
from engine_app.markets.venues.registry import venues_for
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

ROOM_FOR_EXTRA = 9
"""Accounts besides the clock that a snapshot can read along with 90 accounts of pools in its one call."""

HOP_ACCOUNTS = 45
"""Accounts that a snapshot reads for the pools of one pair that is half of a way over an intermediate mint."""


class Pools:
    """Knows the pools of pairs. Each process makes one."""

    def __init__(
        self,
        rpc: Rpc,
        cluster: Cluster,
        refresh_seconds: float,
        *,
        pairs: Sequence[tuple[Pubkey, Pubkey]] = (),
        max_slot_spread: int = 2,
    ) -> None:
        """Nothing is read before `start` or the first question.

        Args:
            rpc: the chain.
            cluster: gives the venues' programs.
            refresh_seconds: between two searches for new pools of every pair that was asked for.
            pairs: pairs to know from the start on, in either order of their mints.
            max_slot_spread: slots that a pool may have been read behind the others and still be compared.
        """
        self._rpc = rpc
        self._discovery = Discovery(venues_for(cluster))
        self._refresh_seconds = refresh_seconds
        self._max_slot_spread = max_slot_spread
        self._known: dict[Pair, tuple[KnownPool, ...]] = {}
        self._wanted = dict.fromkeys(ordered(*pair) for pair in pairs)
        self._searches: InFlight[Pair, tuple[KnownPool, ...]] = InFlight()
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
        return frozenset(self._discovery.without_search)

    async def known(self, mint_a: Pubkey, mint_b: Pubkey) -> tuple[KnownPool, ...]:
        """The pair's pools, the deepest first, from memory where it was asked for before.

        Raises:
            RpcUnavailable, RpcRefused: the chain cannot be searched.
        """
        pair = ordered(mint_a, mint_b)
        self._wanted.setdefault(pair)
        found = self._known.get(pair)
        return await self._search(pair, self._rpc) if found is None else found

    async def snapshot(
        self,
        mint_in: Pubkey,
        mint_out: Pubkey,
        extra: Sequence[Pubkey] = (),
        *,
        through: Sequence[Pubkey] = (),
    ) -> Snapshot:
        """All pools that may carry a swap, at one slot with one getMultipleAccounts once their pairs are known.

        Where they need more accounts than one call reads, several are made at the same time (see `reading`). Where a
        price has left the arrays it was known to stand among, all is read once more with the new arrays, which the
        next snapshot asks for at once.

        Args:
            mint_in, mint_out: the pair; the order does not matter.
            extra: further accounts to read along, such as the taker's.
            through: intermediate mints: pools of (mint_in, mint) and (mint, mint_out) are read too where there are
                both.

        Raises:
            NoPool: no pool leads from one to the other.
            RpcUnavailable, RpcRefused: the chain cannot be read.
        """
        known = await self._carrying(mint_in, mint_out, through)
        if not known:
            raise NoPool(f"there is no pool of {mint_in} and {mint_out}")
        chunks = _chunks(known, extra)
        reads = await read(self._rpc, chunks)
        moved = _as_they_stand(chunks, reads)
        missing = frozenset(accounts_of(moved)).difference(*(chunk.addresses for chunk in chunks))
        if missing:
            log.info("pools.arrays_missing", pair=[str(mint_in), str(mint_out)], arrays=len(missing))
            self._remember(moved)
            chunks = _chunks(moved, extra)
            with counted_apart():
                reads = await read(self._rpc, chunks)
        try:
            return compose(chunks, reads, max_slot_spread=self._max_slot_spread, missing=missing)
        except DecodeError as error:
            raise RpcUnavailable(f"the node gives no clock: {error}") from error

    async def _carrying(self, mint_in: Pubkey, mint_out: Pubkey, through: Sequence[Pubkey]) -> list[KnownPool]:
        """The pair's own pools, then those of the ways over other mints that are whole; none twice."""
        between = [mint for mint in dict.fromkeys(through) if mint not in (mint_in, mint_out)]
        direct, *halves = await asyncio.gather(
            self.known(mint_in, mint_out),
            *(self.known(*pair) for mint in between for pair in ((mint_in, mint), (mint, mint_out))),
        )
        carrying = list(direct)
        for first, second in zip(halves[::2], halves[1::2], strict=True):
            if first and second:
                carrying += (*within(first, HOP_ACCOUNTS), *within(second, HOP_ACCOUNTS))
        return carrying

    def _remember(self, moved: Sequence[KnownPool]) -> None:
        """Have the pools that are still known ask for the accounts that they were seen to need."""
        by_address = {pool.address: pool for pool in moved}
        for pair, pools in self._known.items():
            if not by_address.keys().isdisjoint(pool.address for pool in pools):
                self._known[pair] = tuple(by_address.get(pool.address, pool) for pool in pools)

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
        found = await self._discovery.find(pair, methods)
        before = self._known.get(pair)
        self._known[pair] = found
        if before is None or {pool.address for pool in before} != {pool.address for pool in found}:
            tell = log.debug if before is None else log.info
            tell("pools.found", pair=[str(mint) for mint in pair], pools=[str(pool.address) for pool in found])
        return found


def _chunks(pools: Sequence[KnownPool], extra: Sequence[Pubkey]) -> list[Chunk]:
    return plan((CLOCK_SYSVAR, *extra), pools)


def _as_they_stand(chunks: Sequence[Chunk], reads: Sequence[AccountsAtSlot]) -> list[KnownPool]:
    return [
        pool.as_it_stands(answer.accounts) for chunk, answer in zip(chunks, reads, strict=True) for pool in chunk.pools
    ]
