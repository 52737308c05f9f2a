"""What was found, in Redis, so that one process searches for all. Losing it costs searches and nothing else.

Redis keys, G being the beginning of the chain's genesis hash:
    pools:{G}:{mint}:{mint}         string   what a search found, JSON; lives an hour, a minute where it found nothing
    pools:{G}:{mint}:{mint}:lock    string   held by the process that searches
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis
from redis.exceptions import LockError, RedisError
from solders.pubkey import Pubkey

from engine_app.markets.pools.discovery import Found
from engine_app.markets.pools.known import KnownPool, Pair
from engine_app.markets.venues.venue import Venue
from engine_app.telemetry.logging import get_logger

log = get_logger(__name__)

KEPT_SECONDS = 3600
NOTHING_KEPT_SECONDS = 60
"""How long it holds that a pair has no pool."""
SEARCH_SECONDS = 30
"""Longest that a search keeps others waiting; one that takes longer is made twice."""

_GENESIS_DIGITS = 8
_WAITING_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Shared:
    """What some process found, and how many seconds ago by the clock of Redis."""

    found: Found
    age: float


class SharedPools:
    """The findings of all processes. Where Redis is away each process is alone, which is logged once."""

    def __init__(self, redis: Redis | None, venues: tuple[Venue, ...], genesis: Callable[[], str | None]) -> None:
        """Put it together.

        Args:
            redis: None for a process that shares nothing.
            venues: those whose pools are understood.
            genesis: gives the chain's genesis hash once it is known; until then nothing is shared.
        """
        self._redis = redis
        self._venues: Mapping[str, Venue] = {venue.name: venue for venue in venues}
        self._genesis = genesis
        self._away = False

    async def get(self, pair: Pair) -> Shared | None:
        """What was found for a pair, None where nobody has looked lately, Redis is away or holds something else."""
        key = self._key(pair)
        if key is None or self._redis is None:
            return None
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.get(key)
                pipe.pttl(key)
                text, left_ms = await pipe.execute()
        except (RedisError, OSError) as error:
            self._lost(error)
            return None
        self._away = False
        if text is None:
            return None
        try:
            found = self._read(text)
        except (ValueError, KeyError, TypeError):
            log.warning("pools.not_understood", key=key)
            return None
        return Shared(found, max(0.0, _kept_seconds(found) - left_ms / 1000))

    async def put(self, pair: Pair, found: Found) -> None:
        """Tell the others."""
        key = self._key(pair)
        if key is None or self._redis is None:
            return
        try:
            await self._redis.set(key, _text(found), ex=_kept_seconds(found))
        except (RedisError, OSError) as error:
            self._lost(error)

    @asynccontextmanager
    async def search(self, pair: Pair, *, wait: bool) -> AsyncIterator[bool]:
        """The right to search for a pair, which one process has at a time: whether this one got it.

        Args:
            pair: which.
            wait: until it is free, at most `SEARCH_SECONDS`; a process that waited for so long searches all the same.
        """
        key = self._key(pair)
        if key is None or self._redis is None:
            yield True
            return
        lock = self._redis.lock(
            f"{key}:lock", timeout=SEARCH_SECONDS, sleep=_WAITING_LOOK_SECONDS, blocking_timeout=SEARCH_SECONDS
        )
        try:
            taken = await lock.acquire(blocking=wait)
        except (RedisError, OSError) as error:
            self._lost(error)
            yield True
            return
        try:
            yield taken or wait
        finally:
            if taken:
                # It ran out, or Redis went away: either way it is not held any more.
                with suppress(LockError, RedisError, OSError):
                    await lock.release()

    def _key(self, pair: Pair) -> str | None:
        genesis = self._genesis()
        return None if genesis is None else f"pools:{genesis[:_GENESIS_DIGITS]}:{pair[0]}:{pair[1]}"

    def _read(self, text: str) -> Found:
        value = orjson.loads(text)
        pools = (
            KnownPool(
                Pubkey.from_string(address),
                self._venues[venue],
                tuple(Pubkey.from_string(key) for key in needed),
            )
            for venue, address, needed in value["pools"]
            if venue in self._venues
        )
        return Found(tuple(pools), frozenset(value["withoutSearch"]))

    def _lost(self, error: Exception) -> None:
        if not self._away:
            log.warning("pools.redis_away", error=str(error))
        self._away = True


def _kept_seconds(found: Found) -> int:
    return KEPT_SECONDS if found.pools else NOTHING_KEPT_SECONDS


def _text(found: Found) -> bytes:
    return orjson.dumps(
        {
            "pools": [[pool.venue.name, str(pool.address), [str(key) for key in pool.needed]] for pool in found.pools],
            "withoutSearch": sorted(found.without_search),
        }
    )
