"""An open tab while the database does not answer: it says so, and goes on by itself."""

from __future__ import annotations

import pytest

from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.wallet import WalletState
from tests.conftest import RunningEngine
from tests.trading import bot
from tests.ui.conftest import OpenTab, database_refusing
from tests.ui.test_guards import HYDRATE, cookie_of, event

HEARTBEATS = 60.0
"""Seconds; ample for the follower to look at its session again."""


async def test_a_tab_says_that_it_is_not_live_and_follows_again(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.until("available", bool)
            await tab.until("loaded", bool)
            with database_refusing(engine.database_url):
                tab.updates.clear()
                await tab.until("database_away", bool, HEARTBEATS)
                await tab.send(event(WalletState, "load"))
                assert "database does not answer" in await tab.until("trouble", bool)
            await tab.until("database_away", lambda away: not away, HEARTBEATS)
            await tab.until("trouble", lambda trouble: not trouble)
            order = account.place(amount="0.01")
            await tab.until("rows", lambda rows: rows and rows[0]["order_id"] == order)
            await tab.until("rows", lambda rows: rows and rows[0]["status"] == "confirmed", HEARTBEATS)


@pytest.mark.parametrize(
    ("wanted", "says_so", "var"),
    [(event(OrdersState, "follow"), "database_away", "username"), (event(WalletState, "load"), "trouble", "address")],
)
async def test_a_tab_opened_meanwhile_fills_itself_later(
    engine: RunningEngine, open_tab: OpenTab, wanted: str, says_so: str, var: str
) -> None:
    with bot(engine.base_url, funded=False) as account:
        cookie = cookie_of(account)
        async with open_tab(cookie=cookie) as tab:
            with database_refusing(engine.database_url):
                await tab.send(wanted)
                await tab.until(says_so, bool)
                assert not any(tab.values(var))
            await tab.until(var, bool, HEARTBEATS)
