"""Whether the engine can do its work: what each part says, and what follows for the whole."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.embedded.processes import LocalChain
from engine_app.readiness import Check, Readiness, State, overall
from engine_app.storage import heartbeats
from engine_app.storage.postgres import Database
from engine_app.storage.redis import connect

NOWHERE = "127.0.0.1:1"


def check(state: State) -> Check:
    return Check(state, 0.5, "…")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, State.OK),
        ({"redis": State.DOWN}, State.DEGRADED),
        ({"rpc": State.DEGRADED}, State.DEGRADED),
        ({"workers": State.DOWN, "orders": State.DEGRADED}, State.DEGRADED),
        ({"postgres": State.DOWN}, State.DOWN),
        ({"postgres": State.DOWN, "redis": State.DOWN, "rpc": State.DOWN}, State.DOWN),
    ],
)
def test_only_without_postgres_it_is_down(changed: dict[str, State], expected: State) -> None:
    states = dict.fromkeys(("postgres", "redis", "rpc", "workers", "orders"), State.OK) | changed
    assert overall({name: check(state) for name, state in states.items()}) is expected


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not taken for a part that is away; what is away here refuses at once."""
    monkeypatch.setattr("engine_app.readiness.PATIENCE_SECONDS", 30.0)


async def asked(database: Database, redis: Redis, rpc_url: str) -> dict[str, Check]:
    rpc = Rpc([rpc_url], CLUSTERS["localnet"])
    try:
        return await Readiness(database, redis, rpc).checks()
    finally:
        await rpc.close()


async def test_all_is_well(database: Database, redis: Redis, localnet: LocalChain) -> None:
    async with database.transaction() as session:
        await heartbeats.beat(session, "one")
        await heartbeats.beat(session, "other")
        await heartbeats.beat(session, "one")
    told = await asked(database, redis, localnet.rpc_url)
    assert overall(told) is State.OK, told
    assert set(told) == {"postgres", "redis", "rpc", "workers", "orders"}
    assert all(one.latency_ms > 0 for one in told.values())
    assert told["workers"].detail.startswith("2 alive")
    async with database.transaction() as session:
        await heartbeats.leave(session, "one")
        assert (await heartbeats.alive(session))[0] == 1


async def test_what_is_away_is_told(database: Database, localnet: LocalChain) -> None:
    away = connect(f"redis://{NOWHERE}/0")
    told = await asked(database, away, f"http://{NOWHERE}")
    assert {name: one.state for name, one in told.items() if one.state is not State.OK} == {
        "redis": State.DOWN, "rpc": State.DOWN, "workers": State.DOWN
    }  # fmt: skip
    assert "none was ever seen" in told["workers"].detail
    assert overall(told) is State.DEGRADED
    nothing = Database(f"postgresql://nobody@{NOWHERE}/none")
    told = await asked(nothing, away, localnet.rpc_url)
    assert overall(told) is State.DOWN
    assert told["rpc"].state is State.OK
    await away.aclose()
    await nothing.close()


async def test_a_worker_that_is_seen_no_more_counts_as_dead(database: Database) -> None:
    beating = asyncio.create_task(heartbeats.keep_beating(database, "one"))
    async with asyncio.timeout(10):
        while True:
            async with database.transaction() as session:
                if (await heartbeats.alive(session))[0]:
                    break
            await asyncio.sleep(0.05)
    beating.cancel()
    async with database.connection() as connection:
        await connection.exec_driver_sql("UPDATE worker_heartbeats SET seen_at = seen_at - interval '11 seconds'")
    async with database.transaction() as session:
        count, seconds = await heartbeats.alive(session)
    assert count == 0
    assert seconds is not None
    assert seconds >= 11


async def test_whoever_asks_again_is_told_the_same(database: Database, redis: Redis, localnet: LocalChain) -> None:
    rpc = Rpc([localnet.rpc_url], CLUSTERS["localnet"])
    readiness = Readiness(database, redis, rpc)
    answers = await asyncio.gather(*(readiness.checks() for _ in range(20)))
    assert all(answer is answers[0] for answer in answers)
    await rpc.close()


async def test_the_report_has_each_workers_last_sign(database: Database, redis: Redis, localnet: LocalChain) -> None:
    async with database.transaction() as session:
        await heartbeats.beat(session, "one")
    rpc = Rpc([localnet.rpc_url], CLUSTERS["localnet"])
    try:
        readiness = Readiness(database, redis, rpc)
        report = await readiness.report()
        assert [(sign.worker, sign.alive) for sign in report.workers] == [("one", True)]
        assert report.workers[0].seen_seconds < heartbeats.ALIVE.total_seconds()
        assert report.under_way == []
        assert [endpoint.name for endpoint in report.endpoints] == [localnet.rpc_url]
        assert await readiness.report() == report
    finally:
        await rpc.close()
