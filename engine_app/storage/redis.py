"""The Redis client. Redis may lose everything at any moment: nothing here is the truth."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def connect(redis_url: str) -> Redis:
    """A client that fails fast, so that an order never waits for Redis; reconnects at the next call."""
    client: Redis = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_connect_timeout=1.0,
        socket_timeout=2.0,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
    )
    return client
