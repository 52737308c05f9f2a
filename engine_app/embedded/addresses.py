"""Whether the workers have filled the stock of fresh wallet addresses, so that accounts can be made."""

from __future__ import annotations

import asyncio
import time

import psycopg

from engine_app.storage.postgres import libpq_url

_POLL_SECONDS = 0.05
_FULL_SECONDS = 20.0
"""After these half is enough, the mark below which workers refill: web processes elsewhere may be taking addresses."""


async def wait_for_addresses(database_url: str, stock: int, *, seconds: float = 60.0) -> None:
    """Return once the stock is full, as every worker makes it when it starts.

    Args:
        database_url: PostgreSQL.
        stock: addresses kept ready when full.
        seconds: how long it may take.

    Raises:
        TimeoutError: it takes longer.
    """
    url = libpq_url(database_url)
    begun = time.monotonic()
    connecting = psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None)
    async with asyncio.timeout(seconds), await connecting as connection:
        while True:
            counted = await connection.execute("SELECT count(*) FROM wallets WHERE user_id IS NULL")
            row = await counted.fetchone()
            least = stock if time.monotonic() - begun < _FULL_SECONDS else (stock + 1) // 2
            if row is not None and row[0] >= least:
                return
            await asyncio.sleep(_POLL_SECONDS)
