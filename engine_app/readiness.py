"""Whether the engine can do its work: what each of its parts says, and how soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine_app.chain.endpoint import EndpointHealth
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.orders import oversight
from engine_app.orders.oversight import UnderWay
from engine_app.storage import heartbeats
from engine_app.storage.heartbeats import Sign
from engine_app.storage.postgres import DATABASE_AWAY, Database

PATIENCE_SECONDS = 2.0
"""How long a part may take to answer."""
SHARED_SECONDS = 1.0
"""How long an answer serves whoever asks again."""
OVERDUE_SECONDS = 30.0
"""An order that is due longer than this is not being attended to."""


class State(StrEnum):
    """How a part does, or all of them."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Check:
    """What one part says.

    Attributes:
        state: how it does.
        latency_ms: how long it took to say so.
        detail: what is told of it, in a few words.
    """

    state: State
    latency_ms: float
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that can be told of the engine's state.

    Attributes:
        state: of the whole.
        checks: what each part says.
        endpoints: how each Solana node does.
        workers: each worker's last sign of life; empty where the database does not answer.
        under_way: orders that are not final, by state; empty where the database does not answer.
    """

    state: State
    checks: dict[str, Check]
    endpoints: Sequence[EndpointHealth]
    workers: Sequence[Sign]
    under_way: Sequence[UnderWay]


def overall(checks: dict[str, Check]) -> State:
    """Down without Postgres, for then nothing can be accepted; degraded where anything else is not as it should be."""
    if checks["postgres"].state is State.DOWN:
        return State.DOWN
    return State.OK if all(check.state is State.OK for check in checks.values()) else State.DEGRADED


class Readiness:
    """Asks the parts, at most once a second."""

    def __init__(self, database: Database, redis: Redis, rpc: Rpc) -> None:
        self._database = database
        self._redis = redis
        self._rpc = rpc
        self._asked_at = float("-inf")
        self._checks: dict[str, Check] = {}
        self._read_at = float("-inf")
        self._read: tuple[Sequence[Sign], Sequence[UnderWay]] = ((), ())
        self._one_at_a_time = asyncio.Lock()

    async def checks(self) -> dict[str, Check]:
        """What each part says: postgres, redis, rpc, workers, orders."""
        async with self._one_at_a_time:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at >= SHARED_SECONDS:
                parts = {
                    "postgres": self._postgres,
                    "redis": self._redis_answers,
                    "rpc": self._chain,
                    "workers": self._workers,
                    "orders": self._orders,
                }
                answers = await asyncio.gather(*(_asked(part) for part in parts.values()))
                self._checks = dict(zip(parts, answers, strict=True))
                self._asked_at = asyncio.get_running_loop().time()
            return self._checks

    async def report(self) -> Report:
        """What each part says, and what is behind it; as old as `checks` may be."""
        checks = await self.checks()
        async with self._one_at_a_time:
            if self._read_at != self._asked_at:
                self._read, self._read_at = await self._details(), self._asked_at
        return Report(overall(checks), checks, self._rpc.health(), *self._read)

    async def _postgres(self) -> tuple[State, str]:
        await self._database.ping()
        return State.OK, "answers"

    async def _redis_answers(self) -> tuple[State, str]:
        await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]
        return State.OK, "answers"

    async def _chain(self) -> tuple[State, str]:
        slot = await self._rpc.poll().slot("processed")
        endpoints = self._rpc.health()
        available = sum(endpoint.available for endpoint in endpoints)
        state = State.OK if available == len(endpoints) else State.DEGRADED
        return state, f"{available} of {len(endpoints)} endpoints, slot {slot:,}"

    async def _workers(self) -> tuple[State, str]:
        async with self._database.transaction() as session:
            count, seconds = await heartbeats.alive(session)
        if not count:
            last = "none was ever seen" if seconds is None else f"last seen {seconds:.0f} s ago"
            return State.DOWN, f"no worker lives; {last}"
        return State.OK, f"{count} alive, last seen {seconds or 0:.1f} s ago"

    async def _details(self) -> tuple[Sequence[Sign], Sequence[UnderWay]]:
        """Signs of life and orders under way; none where the database does not answer."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._database.transaction() as session:
                return await heartbeats.signs(session), await oversight.under_way(session)
        except (TimeoutError, *DATABASE_AWAY):
            return (), ()

    async def _orders(self) -> tuple[State, str]:
        async with self._database.transaction() as session:
            overdue = await oversight.longest_overdue(session)
        state = State.OK if overdue <= OVERDUE_SECONDS else State.DEGRADED
        return state, f"the oldest due order has waited {overdue:.1f} s"


async def _asked(part: Callable[[], Awaitable[tuple[State, str]]]) -> Check:
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            state, detail = await part()
    except TimeoutError:
        state, detail = State.DOWN, f"no answer within {PATIENCE_SECONDS:.0f} s"
    except (*DATABASE_AWAY, RedisError, OSError, RpcUnavailable, RpcRefused) as error:
        state, detail = State.DOWN, f"does not answer ({type(error).__name__})"
    return Check(state, round((time.monotonic() - began) * 1000, 2), detail)
