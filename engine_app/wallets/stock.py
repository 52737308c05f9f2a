"""The stock of fresh addresses: workers make them, because only workers can derive them."""

from __future__ import annotations

import asyncio
import secrets

from engine_app.storage.postgres import DATABASE_AWAY, Database
from engine_app.telemetry.logging import get_logger
from engine_app.wallets import repository
from engine_app.wallets.derivation import MAX_INDEX, keypair_at, seed_of

log = get_logger(__name__)

POLL_SECONDS = 2.0
"""In which fewer accounts are made than half of a stock: each costs a password hash."""
ERROR_PAUSE_SECONDS = 2.0


class AddressStock:
    """Keeps `size` fresh addresses in Postgres. Raises SettingsError where the mnemonic is none."""

    def __init__(self, database: Database, mnemonic: str, *, size: int) -> None:
        self._database = database
        self._seed = seed_of(mnemonic)
        self._size = size

    async def run(self) -> None:
        """Fill the stock, then refill it whenever it is below half, until cancelled; waits for a lost database."""
        least = self._size
        while True:
            try:
                await self.fill(least)
                least = (self._size + 1) // 2
            except DATABASE_AWAY:
                log.warning("the address stock cannot be looked after now", exc_info=True)
                await asyncio.sleep(ERROR_PAUSE_SECONDS)
            await asyncio.sleep(POLL_SECONDS)

    async def fill(self, least: int) -> int:
        """Where fewer than `least` addresses wait, add what is missing to `size`.

        Returns:
            How many were added: 0 also where another worker is filling at this moment.
        """
        async with self._database.at_once() as session:
            if await repository.stock_size(session) >= least:
                return 0
        added = 0
        async with self._database.transaction() as session:
            if not await repository.lock_stock(session):
                return 0
            while (missing := self._size - await repository.stock_size(session)) > 0:
                addresses = await asyncio.to_thread(self._derive, missing)
                added += await repository.add_to_stock(session, addresses)
        log.info("address stock filled", added=added)
        return added

    def _derive(self, count: int) -> list[tuple[int, str]]:
        indexes = [secrets.randbelow(MAX_INDEX + 1) for _ in range(count)]
        return [(index, str(keypair_at(self._seed, index).pubkey())) for index in indexes]
