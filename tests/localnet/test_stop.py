"""A stop waits for the disk, however slow it is."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine_app.localnet.server import Localnet, LocalnetOptions
from engine_app.localnet.store import BlockChanges


async def test_a_stop_in_the_middle_of_a_slow_write_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    localnet = Localnet(LocalnetOptions(port=0, ws_port=0, slot_ms=20))
    append = localnet.chain.store.append
    written: list[int] = []

    def slow_append(changes: BlockChanges) -> None:
        time.sleep(0.2)
        append(changes)
        written.append(changes.block.slot)

    monkeypatch.setattr(localnet.chain.store, "append", slow_append)
    async with localnet:
        await asyncio.sleep(0.3)
    assert written[-1] == localnet.chain.head.slot
