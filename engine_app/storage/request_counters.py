"""Counts requests per account and per address in Redis, for limits that let everything pass while Redis is away.

A request costs one command. Windows lie on the clock, so that remaining requests and the time of reset follow from
that one answer; across the edge of two windows a caller may send up to twice as much as in one.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from dataclasses import dataclass

from limits.aio.storage import RedisStorage
from limits.errors import StorageError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine_app.telemetry.logging import get_logger

PROBE_SECONDS = 0.5

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` requests per subject in each `seconds`; `name` is its namespace among the counters."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subject stands in a window: what it has used, this request included, and seconds until it starts afresh."""

    quota: Quota
    used: int
    resets_in: int

    @property
    def remaining(self) -> int:
        """How many requests are left."""
        return max(0, self.quota.amount - self.used)

    @property
    def exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.quota.amount


class RequestCounters:
    """The counters of every quota. Subjects are stored as digests, so that no address lies in Redis.

    `redis` should fail fast. The first request that finds Redis away waits for that; until a probe finds it back, none
    asks it again.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._storage = RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="quota",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # the library types its options too narrowly
        )
        self._probe: asyncio.Task[None] | None = None

    async def count(self, quota: Quota, subject: str) -> Standing | None:
        """Count one request; None where Redis is away and nobody knows."""
        if self._probe is not None:
            return None
        now = time.time()
        window = math.floor(now / quota.seconds)
        digest = hashlib.blake2b(subject.encode(), key=quota.name.encode(), digest_size=16).hexdigest()
        try:
            used = await self._storage.incr(f"{quota.name}:{digest}:{window}", quota.seconds)
        except StorageError as error:
            log.warning("counters.redis_away", error=type(error.storage_error).__name__)
            self._probe = asyncio.create_task(self._until_back())
            return None
        return Standing(quota, used, max(1, math.ceil((window + 1) * quota.seconds - now)))

    async def close(self) -> None:
        """End the probe."""
        if self._probe is not None:
            self._probe.cancel()

    async def _until_back(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]
            except (RedisError, OSError):
                continue
            log.info("counters.redis_back")
            self._probe = None
            return
