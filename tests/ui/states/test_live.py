"""What a tab is told of orders that end while nothing is pushed to it."""

from __future__ import annotations

from contextlib import ExitStack

from engine_app.ui.states.orders import OrdersState
from tests.conftest import RunningEngine
from tests.stopping import refusing, stopped
from tests.trading import bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event

ORDER_SECONDS = 60.0


async def test_what_ended_in_a_gap_is_told_once(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account, ExitStack() as halted:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.until("loaded", bool)
            halted.enter_context(stopped(engine.supervisor, "worker-1", "worker-2"))
            order = account.place(amount="0.01")
            await tab.until("rows", lambda rows: rows and rows[0]["order_id"] == order)
            with refusing(engine.redis_url):
                await tab.until("feed_away", bool)
                halted.close()
                await tab.until("rows", lambda rows: rows and rows[0]["status"] == "confirmed", ORDER_SECONDS)
            tab.updates = [update for update in tab.updates if update.get("events")]
            await tab.until("feed_away", lambda away: not away)
            await tab.quiet()
            assert str(tab.updates).count("Swap confirmed") == 1


async def test_a_new_tab_forgets_what_a_process_before_told_as_under_way(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url, funded=False) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            for _ in range(2):
                await tab.send(event(OrdersState, "follow"))
            await tab.until("loaded", bool)
            await tab.quiet()
            assert str(tab.updates).count("forgetLoading") == 1
