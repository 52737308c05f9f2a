"""A page of the history over REST while the history grows: `python -m bench.history [ROWS …]`.

Rows are put straight into the tables of a running engine, over ten thousand accounts; the one that asks has a tenth of
all rows. Pages of 50 are asked for one after the other, from a fresh place each: the newest, far back, and filtered.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from bench.engine_run import RunningEngine, engine
from bench.figures import summary
from bench.traders import Trader, traders
from engine_app.orders.history import encode_cursor
from tests.localnet.swaps import MINTS

OWNERS = 10_000
SEED = 9

GROW_OWNERS = """
INSERT INTO users (username, name_key, password_hash)
SELECT 'history-' || n, 'history-' || n, 'x' FROM generate_series(1, %s::int) n ON CONFLICT DO NOTHING"""
GROW_WALLETS = """
INSERT INTO wallets (user_id, address, derivation_index, assigned_at)
SELECT id, 'history-' || id, 1000000 + id, now() FROM users WHERE username LIKE 'history-%%' ON CONFLICT DO NOTHING"""
GROW_ORDERS = """
WITH owners AS (
    SELECT row_number() OVER (ORDER BY u.id) - 1 AS number, u.id AS user_id, w.id AS wallet_id
    FROM users u JOIN wallets w ON w.user_id = u.id WHERE u.username LIKE 'history-%%'
), rows AS (
    SELECT n, CASE WHEN n %% 10 = 0 THEN %(user)s ELSE o.user_id END AS user_id,
        CASE WHEN n %% 10 = 0 THEN %(wallet)s ELSE o.wallet_id END AS wallet_id
    FROM generate_series(%(first)s::int, %(last)s::int) n JOIN owners o ON o.number = (n * 7919::bigint) %% %(owners)s
)
INSERT INTO orders (id, user_id, wallet_id, kind, token_in, token_out, decimals_in, decimals_out, amount_in,
    slippage, max_price_impact, status, quoted_out, floor_out, min_out, selected_dex, tx_hash, spent_in, amount_out,
    error_code, error_message, tries, expires_at, seq, fencing_token, rpc_calls, created_at, updated_at, finalized_at)
SELECT gen_random_uuid(), user_id, wallet_id, 'swap', %(sol)s, CASE WHEN n %% 3 = 0 THEN %(bonk)s ELSE %(usdc)s END, 9,
    6, 10000000, 0.01, 0.05, CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'confirmed' END, 1490000, 1475100, 1475100,
    'meteora', 'history-' || n, CASE WHEN n %% 20 = 0 THEN NULL ELSE 10000000 END,
    CASE WHEN n %% 20 = 0 THEN NULL ELSE 1489000 END, CASE WHEN n %% 20 = 0 THEN 'PRICE_MOVED' END,
    CASE WHEN n %% 20 = 0 THEN 'the price moved' END, 1, at + interval '5 minutes', 6, 1, '{"sendTransaction": 1}',
    at, at + interval '1 second', CASE WHEN n %% 20 = 0 THEN NULL ELSE at + interval '14 seconds' END
FROM (SELECT *, now() - n * interval '20 seconds' AS at FROM rows) placed"""


async def measure(running: RunningEngine, sizes: list[int], pages: int) -> list[dict[str, Any]]:
    """Milliseconds a page, by how many rows there are."""
    found = []
    async with traders(running.origin, 1) as (trader,):
        with running.database() as database:
            rows = 0
            for size in sizes:
                began = time.monotonic()
                await asyncio.to_thread(grow, database, trader.name, rows, size)
                rows = size
                filled = time.monotonic() - began
                asked = await _pages(trader, database, pages)
                found.append({"rows": size, "own rows": size // 10, "filled in, s": round(filled, 1), **asked})
    return found


def grow(database: psycopg.Connection[tuple[object, ...]], user: str, first: int, last: int) -> None:
    """Add finished orders until there are `last`; rules that look at changes are left out, these are none."""
    owner = "SELECT u.id, w.id FROM users u JOIN wallets w ON w.user_id = u.id WHERE u.username = %s"
    row = database.execute(owner, [user]).fetchone()
    if row is None:
        raise RuntimeError(f"there is no account {user}")
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        database.execute(GROW_OWNERS, [OWNERS])
        database.execute(GROW_WALLETS, [])
        mints = {symbol.lower(): str(mint) for symbol, mint in MINTS.items()}
        numbers = {"user": row[0], "wallet": row[1], "first": first + 1, "last": last, "owners": OWNERS}
        database.execute(GROW_ORDERS, mints | numbers)
    database.execute("VACUUM ANALYZE orders")


async def _pages(trader: Trader, database: psycopg.Connection[tuple[object, ...]], pages: int) -> dict[str, Any]:
    chance = random.Random(SEED)
    places = database.execute(
        "SELECT o.created_at, o.id FROM orders o JOIN users u ON u.id = o.user_id WHERE u.username = %s", [trader.name]
    ).fetchall()
    kinds: dict[str, list[float]] = {"newest": [], "far back": [], "failed ones": [], "of a token": []}
    for _ in range(pages):
        at, order_id = chance.choice(places)
        cursor = encode_cursor((datetime.fromisoformat(str(at)), UUID(str(order_id))))
        for kind, query in (
            ("newest", ""),
            ("far back", f"?cursor={cursor}"),
            ("failed ones", f"?status=failed&cursor={cursor}"),
            ("of a token", f"?token=BONK&cursor={cursor}"),
        ):
            began = time.perf_counter()
            await trader.get(f"/api/orders/history{query}")
            kinds[kind].append((time.perf_counter() - began) * 1000)
    return {kind: summary(took) for kind, took in kinds.items()}


def main() -> None:
    """Measure and print."""
    sizes = [int(size) for size in sys.argv[1:]] or [100, 10_000]
    with engine() as running:
        print(json.dumps(asyncio.run(measure(running, sizes, 50)), indent=2))


if __name__ == "__main__":
    main()
