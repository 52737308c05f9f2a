"""Rate limits over a real Valkey."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from engine_app.errors import EngineError
from engine_app.storage.rate_limits import Limit, LimitsUnavailable, RateLimited, RateLimits
from engine_app.storage.redis import connect

THREE = Limit("three", 3, 60)


async def used(limits: RateLimits, limit: Limit, subject: str) -> bool:
    try:
        await limits.use(limit, subject)
    except RateLimited:
        return False
    return True


async def test_exactly_as_many_uses_over_all_processes(redis: Redis) -> None:
    processes = [RateLimits(redis) for _ in range(4)]
    uses = await asyncio.gather(*(used(processes[n % 4], THREE, "one") for n in range(40)))
    assert sum(uses) == 3


async def test_looking_for_room_uses_nothing(redis: Redis) -> None:
    limits = RateLimits(redis)
    for _ in range(10):
        await limits.require_room(THREE, "one")
    for _ in range(3):
        await limits.use(THREE, "one")
    with pytest.raises(RateLimited) as refused:
        await limits.require_room(THREE, "one")
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 60


async def test_subjects_and_limits_are_apart(redis: Redis) -> None:
    limits = RateLimits(redis)
    for _ in range(3):
        await limits.use(THREE, "one")
    await limits.use(THREE, "other")
    await limits.use(Limit("another", 3, 60), "one")


async def test_the_window_moves(redis: Redis) -> None:
    limits, brief = RateLimits(redis), Limit("brief", 2, 5)
    for _ in range(2):
        await limits.use(brief, "one")
    with pytest.raises(RateLimited):
        await limits.use(brief, "one")
    await asyncio.sleep(5.3)
    await limits.use(brief, "one")


async def test_without_redis_nothing_is_allowed(unused_tcp_port: int) -> None:
    absent = connect(f"redis://127.0.0.1:{unused_tcp_port}/0")
    limits = RateLimits(absent)
    for attempt in (limits.use, limits.require_room):
        with pytest.raises(LimitsUnavailable) as refused:
            await attempt(THREE, "one")
        assert isinstance(refused.value, EngineError)
        assert (refused.value.status, refused.value.retry_after) == (503, 5)
    await absent.aclose()
