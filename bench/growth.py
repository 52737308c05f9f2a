"""What growth of users and of open orders does to an order: `python -m bench.growth [ORDERS]`.

Rows are put straight into the tables of a running engine: users with a wallet and a session each, and open orders of
theirs that wait for their next try, which is a day off, so that no worker takes them up and all that look through open
orders find them. One more account then places orders over REST, with a pause after each. Told are the POST's
answer, the time from the order's row to a worker that has taken it up, and what the engine uses while nobody places
anything.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.counters import one, read
from bench.engine_run import RunningEngine, engine
from bench.figures import rounded, summary
from bench.traders import Trader, traders
from tests.localnet.swaps import MINTS

ORDERS = 40
PAUSE_SECONDS = 0.15
IDLE_SECONDS = 4.0
SETTLE_LOOKS = 60
"""Twice a second, for the orders of the last size to become final."""
OPEN_OF_A_USER = 100

GROW_USERS = """
INSERT INTO users (username, name_key, password_hash)
SELECT 'growth-' || n, 'growth-' || n, 'x' FROM generate_series(%(first)s::int, %(last)s::int) n"""
GROW_WALLETS = """
INSERT INTO wallets (user_id, address, derivation_index, assigned_at)
SELECT u.id, 'growth-' || u.id, 1000000 + u.id, now() FROM users u
WHERE u.username LIKE 'growth-%' AND NOT EXISTS (SELECT FROM wallets w WHERE w.user_id = u.id)"""
GROW_SESSIONS = """
INSERT INTO sessions (token_id, user_id, ip, agent, expires_at)
SELECT 'growth-' || u.id, u.id, '192.0.2.1', 'bench', now() + interval '1 day' FROM users u
WHERE u.username LIKE 'growth-%' AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id)"""
GROW_ORDERS = """
INSERT INTO orders (id, user_id, wallet_id, kind, token_in, token_out, decimals_in, decimals_out, amount_in, slippage,
    max_price_impact, status, tries, waiting_for, not_before, expires_at, seq, fencing_token, rpc_calls, created_at,
    updated_at)
SELECT gen_random_uuid(), u.id, w.id, 'swap', %(sol)s, %(usdc)s, 9, 6, 10000000, 0.01, 0.05, 'routing', 1,
    jsonb_build_object('reason', 'retry', 'notBefore', at + interval '1 day'), at + interval '1 day',
    at + interval '1 day', 4, 1, '{}', at, at
FROM (SELECT n, clock_timestamp() AS at FROM generate_series(%(first)s::int, %(last)s::int) n) placed
JOIN users u ON u.username = 'growth-' || 1 + n / %(of_a_user)s JOIN wallets w ON w.user_id = u.id"""
NOT_FINAL = """
SELECT count(*) FROM orders o JOIN users u ON u.id = o.user_id
WHERE u.username NOT LIKE 'growth-%' AND o.finalized_at IS NULL AND o.status <> 'failed'"""
TAKEN_UP = """
SELECT extract(epoch FROM routing.at - placed.at)::float8 * 1000 FROM order_events placed
JOIN order_events routing ON routing.order_id = placed.order_id AND routing.name = 'routing'
WHERE placed.name = 'placed' AND placed.order_id = ANY(%s::uuid[])"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many users and open orders there are."""

    users: int
    open_orders: int


SIZES = (Size(100, 0), Size(10_000, 0), Size(100_000, 0), Size(100_000, 1_000), Size(100_000, 10_000))
QUICK = (Size(100, 0), Size(10_000, 1_000))


async def measure(running: RunningEngine, sizes: Sequence[Size], orders: int) -> list[dict[str, Any]]:
    """Milliseconds of an order by the size of what is there already; each size holds no less than the one before."""
    found = []
    async with traders(running.origin, 1) as (trader,):
        await trader.place("SOL", "USDC", "0.01")
        with running.database() as database:
            before = Size(0, 0)
            for size in sizes:
                await asyncio.to_thread(grow, database, before, size)
                before = size
                found.append(
                    {"users": size.users, "open orders": size.open_orders} | await _at(running, trader, orders)
                )
    return found


def grow(database: psycopg.Connection[tuple[object, ...]], before: Size, after: Size) -> None:
    """Add users and open orders; rules that look at changes are left out, these are none."""
    mints = {symbol.lower(): str(MINTS[symbol]) for symbol in ("SOL", "USDC")}
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        database.execute(GROW_USERS, {"first": before.users + 1, "last": after.users})
        database.execute(GROW_WALLETS)
        database.execute(GROW_SESSIONS)
        numbers = {"first": before.open_orders, "last": after.open_orders - 1, "of_a_user": OPEN_OF_A_USER}
        database.execute(GROW_ORDERS, mints | numbers)
    for table in ("users", "wallets", "sessions", "orders"):
        database.execute(f"VACUUM ANALYZE {table}".encode())


async def _at(running: RunningEngine, trader: Trader, orders: int) -> dict[str, Any]:
    with running.database() as database:
        for _ in range(SETTLE_LOOKS):
            if not one(database, NOT_FINAL):
                break
            await asyncio.sleep(0.5)
        began = await asyncio.to_thread(read, running)
        await asyncio.sleep(IDLE_SECONDS)
        ended = await asyncio.to_thread(read, running)
        answered, placed = [], []
        for _ in range(orders):
            asked = time.perf_counter()
            placed.append(await trader.place("SOL", "USDC", "0.01"))
            answered.append((time.perf_counter() - asked) * 1000)
            await asyncio.sleep(PAUSE_SECONDS)
        await asyncio.sleep(1.0)
        taken_up = [float(str(ms)) for (ms,) in database.execute(TAKEN_UP, [placed]).fetchall()]
    if len(taken_up) != orders:
        raise RuntimeError(f"{len(taken_up)} of {orders} orders were taken up in time")
    used, seconds = ended.since(began), ended.at - began.at
    idle = {kind: rounded(used[f"CPU of {kind}, ms"] / seconds) for kind in ("Postgres", "workers")}
    return {"answered": summary(answered), "taken up": summary(taken_up), "CPU ms an idle second": idle}


def table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What was found, line by line."""
    yield (
        "| users | open orders | POST to its answer: p50 / p95, ms | row to taken up: p50 / p95, ms "
        "| CPU of Postgres / of workers, ms an idle second |"
    )
    yield "|---|---|---|---|---|"
    for size in found:
        answered, taken_up = (f"{size[what]['p50']:.1f} / {size[what]['p95']:.1f}" for what in ("answered", "taken up"))
        idle = " / ".join(f"{used:.1f}" for used in size["CPU ms an idle second"].values())
        yield f"| {size['users']:,} | {size['open orders']:,} | {answered} | {taken_up} | {idle} |"


def main() -> None:
    """Measure and print a table."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    with engine() as running:
        print("\n".join(table(asyncio.run(measure(running, SIZES, orders)))))


if __name__ == "__main__":
    main()
