"""Waiting for the stock of fresh addresses."""

from __future__ import annotations

import asyncio

import pytest

from engine_app.embedded.addresses import wait_for_addresses
from engine_app.storage.postgres import Database
from engine_app.wallets.stock import AddressStock
from tests.conftest import MNEMONIC


async def test_a_stock_is_ready_when_it_is_full(database: Database, database_url: str) -> None:
    await AddressStock(database, MNEMONIC, size=9).fill(9)
    with pytest.raises(TimeoutError):
        await wait_for_addresses(database_url, 10, seconds=1)
    waiting = asyncio.create_task(wait_for_addresses(database_url, 10))
    await AddressStock(database, MNEMONIC, size=10).fill(10)
    await waiting
