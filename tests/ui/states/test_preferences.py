"""Whatever a browser says that it remembers, the form is one that can be used."""

from __future__ import annotations

from typing import Any

import pytest

from engine_app.ui.states.preferences import PreferencesState
from engine_app.ui.tabs import LONGEST_REMEMBERED
from tests.conftest import RunningEngine
from tests.trading import bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import FAILED, HYDRATE, cookie_of

UPDATE = "reflex___state____state.reflex___state____update_vars_internal_state.update_vars_internal"


def remembered(**texts: object) -> dict[str, Any]:
    """What a page sends first, with what its browser remembers."""
    return {"vars": {f"{PreferencesState.get_full_name()}.{name}_rx_state_": text for name, text in texts.items()}}


@pytest.mark.parametrize("event", [HYDRATE, UPDATE])
async def test_what_a_stranger_has_kept_is_short(open_tab: OpenTab, event: str) -> None:
    async with open_tab() as tab:
        await tab.send(event, remembered(pair="z" * 10_000, slippage=["y" * 10_000], shortcuts="\ud800"))
        await tab.send(HYDRATE)
        await tab.until("is_hydrated", bool)
        await tab.quiet()
        for name in ("pair", "slippage", "shortcuts"):
            assert all(len(str(value)) <= LONGEST_REMEMBERED for value in tab.values(name)), name
        assert "z" * LONGEST_REMEMBERED in tab.values("pair")
        assert "?" in tab.values("shortcuts")


async def test_what_is_no_list_of_texts_is_none(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        await tab.send(UPDATE, {"vars": ["z"]})
        await tab.quiet()
        assert FAILED not in repr(tab.updates)


@pytest.mark.parametrize(
    ("pair", "slippage", "paid", "received", "shown"),
    [
        ("USDC/SOL", "0.5", "USDC", "SOL", "0.5"),
        ("SOL/GONE", "0.5", "SOL", "USDC", "0.5"),
        ("SOL/SOL", "50", "SOL", "USDC", "1"),
        ({"a": ["b"]}, 7.5, "SOL", "USDC", "7.5"),
        (None, ["1"], "SOL", "USDC", "1"),
    ],
)
async def test_what_is_remembered_is_taken_where_it_can_be(  # noqa: PLR0917 - a row of the table
    engine: RunningEngine, open_tab: OpenTab, pair: object, slippage: object, paid: str, received: str, shown: str
) -> None:
    with bot(engine.base_url, funded=False) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE, remembered(pair=pair, slippage=slippage))
            assert (await tab.until("paid", lambda token: token["label"]))["token"] == paid
            assert (await tab.until("received", lambda token: token["label"]))["token"] == received
            swap = "swap_state"
            told = [
                changes["slippage_rx_state_"]
                for update in tab.updates
                for state, changes in (update.get("delta") or {}).items()
                if state.endswith(swap) and "slippage_rx_state_" in changes
            ]
            assert told[-1] == shown
