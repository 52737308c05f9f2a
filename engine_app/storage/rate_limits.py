"""Rate limits counted in Redis, shared by every process: moving windows of the `limits` library."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import Redis

from engine_app.errors import EngineError, register


class RateLimited(EngineError):
    """The caller did this too often; `retry_after` says when there is room again."""

    code = register(
        "RATE_LIMITED",
        "Too many requests of this kind in a short time.",
        "Nothing was done, no money moved.",
        "Wait as long as Retry-After says, then try again.",
    )
    status = 429


class LimitsUnavailable(EngineError):
    """The counters cannot be reached, and what they guard stays shut without them."""

    code = register(
        "LIMITS_UNAVAILABLE",
        "The request cannot be checked against its rate limit right now.",
        "Nothing was done, no money moved; orders under way are not affected.",
        "Try again in a few seconds.",
    )
    status = 503

    def __init__(self) -> None:
        super().__init__("the rate limit cannot be checked right now; try again in a few seconds", retry_after=5)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` uses per subject in any `seconds`; `name` is its namespace among the counters."""

    name: str
    amount: int
    seconds: int


class RateLimits:
    """Counters of every limit. Subjects are stored as digests, so that no name or address lies in Redis."""

    def __init__(self, redis: Redis) -> None:
        storage = RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="rate",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # the library types its options too narrowly
        )
        self._windows = MovingWindowRateLimiter(storage)

    async def require_room(self, limit: Limit, subject: str) -> None:
        """Check that one more use is allowed, without counting one.

        Raises:
            RateLimited: the limit is used up.
            LimitsUnavailable: Redis does not answer.
        """
        try:
            room = await self._windows.test(_item(limit), *_key(limit, subject))
        except StorageError:
            raise LimitsUnavailable from None
        if not room:
            raise await self._refusal(limit, subject)

    async def use(self, limit: Limit, subject: str) -> None:
        """Count one use, in one step with the check.

        Raises:
            RateLimited: the limit is used up; nothing was counted.
            LimitsUnavailable: Redis does not answer.
        """
        try:
            counted = await self._windows.hit(_item(limit), *_key(limit, subject))
        except StorageError:
            raise LimitsUnavailable from None
        if not counted:
            raise await self._refusal(limit, subject)

    async def _refusal(self, limit: Limit, subject: str) -> EngineError:
        try:
            stats = await self._windows.get_window_stats(_item(limit), *_key(limit, subject))
        except StorageError:
            return LimitsUnavailable()
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        return RateLimited(f"too many requests; try again in {wait} s", retry_after=wait)


def _item(limit: Limit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.amount, limit.seconds, namespace=limit.name)


def _key(limit: Limit, subject: str) -> tuple[str]:
    digest = hashlib.blake2b(subject.encode(), key=limit.name.encode(), digest_size=16)
    return (digest.hexdigest(),)
