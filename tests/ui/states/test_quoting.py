"""Quoting goes on while the form is looked at, and no longer."""

from __future__ import annotations

from engine_app.ui.places import ORDERS
from engine_app.ui.spending import QUOTE_SECONDS
from engine_app.ui.states.history import HistoryState
from engine_app.ui.states.swap import SwapState
from tests.conftest import RunningEngine
from tests.trading import bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event

PATIENCE = QUOTE_SECONDS * 3.0


async def test_a_tab_that_shows_another_page_is_not_quoted_for(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.send(event(SwapState, "set_amount"), {"text": "0.25"})
            await tab.until("quote", lambda quote: quote["key"])
            await tab.until("ring", lambda ring: ring >= 2, PATIENCE)
            await tab.send(event(HistoryState, "follow_history"), path=f"{ORDERS}/")
            tab.updates.clear()
            await tab.until("quote", lambda quote: not quote["amount_out"], PATIENCE)
            assert not tab.values("paused")
            tab.updates.clear()
            await tab.send(event(SwapState, "requote"))
            await tab.until("quote", lambda quote: quote["key"])
