"""Services that stand still for a while, as if their machine had frozen, or let nobody in."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from engine_app.embedded.background import BackgroundSupervisor


@contextmanager
def stopped(supervisor: BackgroundSupervisor, *names: str) -> Iterator[None]:
    """These services do nothing for the block."""
    pids = [supervisor.pid(name) for name in names]
    try:
        for pid in pids:
            assert pid is not None, names
            os.killpg(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            if pid is not None:
                os.killpg(pid, signal.SIGCONT)


@contextmanager
def refusing(redis_url: str) -> Iterator[None]:
    """For the block, a Redis ends every connection and takes no new one."""
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxclients", 1)
        try:
            for kind in ("normal", "pubsub"):
                redis.client_kill_filter(_type=kind, skipme=True)
            yield
        finally:
            redis.config_set("maxclients", 10_000)
