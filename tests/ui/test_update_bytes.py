"""How many bytes a page is sent while it watches an order."""

from __future__ import annotations

import asyncio
import json

from tests.conftest import RunningEngine
from tests.trading import bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of

MOST_BYTES_AN_ORDER = 36_000
MOST_BYTES_AN_UPDATE = 6_000


async def test_an_order_is_told_to_a_page_in_few_bytes(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.until("username", bool)
            await tab.until("loaded", bool)
            await tab.quiet()
            tab.updates.clear()
            order_id = await asyncio.to_thread(account.place, "SOL", "USDC", "0.1")
            await asyncio.to_thread(account.wait_for_event, order_id, "finalized")
            await tab.quiet()
            sizes = [len(json.dumps(update)) for update in tab.updates]
    assert 0 < sum(sizes) <= MOST_BYTES_AN_ORDER
    assert max(sizes) <= MOST_BYTES_AN_UPDATE
