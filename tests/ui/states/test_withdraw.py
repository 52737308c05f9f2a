"""A withdrawal's form that is sent twice, as a double click sends it, places one withdrawal."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

from engine_app.ui.states.withdraw import WithdrawState
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, Bot, bot
from tests.ui.conftest import OpenTab, Tab
from tests.ui.test_guards import HYDRATE, cookie_of, event


def withdrawals(account: Bot) -> list[dict[str, Any]]:
    """What was placed."""
    answer = account.client.get("/api/orders/history", params={"kind": "transfer"})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["orders"])


def withdrawal() -> dict[str, str]:
    """A form as the page sends it, but for its wish."""
    return {"token": "SOL", "amount": "0.01", "address": str(Keypair().pubkey()), "password": PASSWORD}


async def shown(tab: Tab, kept: dict[str, Any] | None = None) -> str:
    """Open the form; the wish that it is to be sent with. `kept` is what the browser has of an earlier one."""
    await tab.send(HYDRATE, kept)
    await tab.send(event(WithdrawState, "show_book"))
    return str(await tab.until("wish", bool))


async def send(tab: Tab, form: dict[str, str], times: int = 1) -> str:
    """Send a form so often; what the next one is to be sent with, once all are dealt with."""
    tab.updates.clear()
    for _ in range(times):
        await tab.send(event(WithdrawState, "send"), {"form": form})
    await tab.until("busy", lambda _: tab.values("busy") == [True, False] * times)
    return str((tab.values("wish") or [form["wish"]])[-1])


async def test_a_form_sent_twice_is_one_withdrawal_and_the_next_form_another(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            wish = await shown(tab)
            form = withdrawal() | {"wish": wish}
            following = await send(tab, form, times=2)
            assert following not in ("", wish)
            assert len(withdrawals(account)) == 1
            await send(tab, form | {"wish": following})
            assert len(withdrawals(account)) == 2


async def test_a_form_that_names_no_wish_places_nothing_and_gets_one(engine: RunningEngine, open_tab: OpenTab) -> None:
    """Sent twice, it could not be told from two withdrawals."""
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            form = withdrawal()
            for _ in range(2):
                await tab.send(event(WithdrawState, "send"), {"form": form})
            wish = await tab.until("wish", bool)
            await tab.quiet()
            assert withdrawals(account) == []
            await tab.send(event(WithdrawState, "send"), {"form": form | {"wish": wish}})
            await tab.until("wish", lambda other: other not in ("", wish))
            assert len(withdrawals(account)) == 1


async def test_what_a_process_accepted_and_could_not_say_is_not_placed_again(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    """The tab comes back with the wish it was given, to a process that knows nothing of it."""
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            wish = await shown(tab)
            form = withdrawal() | {"wish": wish}
            assert await send(tab, form) != wish
        kept = {"vars": {f"{WithdrawState.get_full_name()}.wish_rx_state_": wish}}
        async with open_tab(cookie=cookie_of(account)) as tab:
            assert await shown(tab, kept) == wish
            following = await send(tab, form, times=2)
            assert len(withdrawals(account)) == 1
            await send(tab, form | {"wish": following})
            assert len(withdrawals(account)) == 2


async def test_a_form_of_another_token_than_the_process_knows_places_nothing(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    """The process that had heard of the token is gone, and the press was on its way."""
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            wish = await shown(tab)
            form = withdrawal() | {"amount": "1", "wish": wish}
            assert await send(tab, form | {"token": "USDC"}) == wish
            assert withdrawals(account) == []
            assert "Look at it" in tab.values("refusal")[-1]
            await tab.send(event(WithdrawState, "set_what"), {"token": "USDC"})
            await send(tab, form | {"token": "USDC"})
            (placed,) = withdrawals(account)
            assert placed["tokenIn"] == "USDC"
