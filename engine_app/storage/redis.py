"""The Redis client. Redis may lose everything at any moment: nothing here is the truth."""

from __future__ import annotations

import socket
import sys

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def connect(redis_url: str, *, listens: bool = False, patience: float = 2.0) -> Redis:
    """A client that fails fast, so that an order never waits for Redis; reconnects at the next call.

    Args:
        redis_url: where.
        listens: it waits for messages, perhaps for hours; silence is then no failure.
        patience: seconds that an answer may take; a connection half of that.
    """
    client: Redis = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_connect_timeout=patience / 2,
        socket_timeout=None if listens else patience,
        socket_keepalive=True,
        socket_keepalive_options=_silence(),
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
    )
    return client


def _silence() -> dict[int, int]:
    """How a server that is gone without a word is told from one that has nothing to say: in half a minute, instead of
    the quarter of an hour, and the two hours of silence, that TCP gives it."""
    if sys.platform != "linux":
        return {}
    return {
        socket.TCP_KEEPIDLE: 15,
        socket.TCP_KEEPINTVL: 5,
        socket.TCP_KEEPCNT: 3,
        socket.TCP_USER_TIMEOUT: 30_000,
    }
