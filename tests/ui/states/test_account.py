"""A key's form: sent twice, as a double click sends it, it makes one key; what it lacks is asked for."""

from __future__ import annotations

from engine_app.ui.states.account import AccountState
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event


async def test_a_form_sent_twice_makes_one_key_and_tells_its_secret_once(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url, funded=False) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.send(event(AccountState, "start_key"))
            wish = await tab.until("key_wish", bool)
            form = {"name": "bot", "read": "on", "password": PASSWORD, "wish": wish}
            for _ in range(2):
                await tab.send(event(AccountState, "create_key"), {"form": form})
            await tab.until("keys", bool)
            await tab.quiet()
            assert str(tab.updates).count("showOnce") == 1
        assert len(account.client.get("/api/account/keys").json()["keys"]) == 1


async def test_what_the_form_lacks_is_asked_for(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url, funded=False) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.send(event(AccountState, "start_key"))
            form = {"name": "bot", "password": PASSWORD, "wish": await tab.until("key_wish", bool)}
            for lacking, words in (
                (form, "Tick at least one right."),
                (form | {"name": " ", "read": "on"}, "Give it a name."),
                (form | {"name": "a\u200bb", "read": "on"}, "A key's name has 1 to 50 visible characters."),
            ):
                await tab.send(event(AccountState, "create_key"), {"form": lacking})
                await tab.until("key_problem", words.__eq__)
        assert account.client.get("/api/account/keys").json()["keys"] == []
