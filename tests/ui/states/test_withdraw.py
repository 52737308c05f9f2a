"""A withdrawal's form that is sent twice, as a double click sends it, places one withdrawal."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

from engine_app.ui.states.withdraw import WithdrawState
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, Bot, bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event


def withdrawals(account: Bot) -> list[dict[str, Any]]:
    """What was placed."""
    answer = account.client.get("/api/orders/history", params={"kind": "transfer"})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["orders"])


async def test_a_form_sent_twice_is_one_withdrawal_and_the_next_form_another(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.send(event(WithdrawState, "show_book"))
            wish = await tab.until("wish", bool)
            form = {"amount": "0.01", "address": str(Keypair().pubkey()), "password": PASSWORD, "wish": wish}
            for _ in range(2):
                await tab.send(event(WithdrawState, "send"), {"form": form})
            following = await tab.until("wish", lambda other: other and other != wish)
            await tab.quiet()
            assert len(withdrawals(account)) == 1
            assert [busy for busy in tab.values("busy") if busy] == [True, True]
            assert tab.values("busy")[-1] is False
            await tab.send(event(WithdrawState, "send"), {"form": form | {"wish": following}})
            await tab.until("wish", lambda other: other not in ("", wish, following))
            assert len(withdrawals(account)) == 2


async def test_a_form_that_names_no_wish_places_nothing_and_gets_one(engine: RunningEngine, open_tab: OpenTab) -> None:
    """Sent twice, it could not be told from two withdrawals."""
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            form = {"amount": "0.01", "address": str(Keypair().pubkey()), "password": PASSWORD}
            for _ in range(2):
                await tab.send(event(WithdrawState, "send"), {"form": form})
            wish = await tab.until("wish", bool)
            await tab.quiet()
            assert withdrawals(account) == []
            await tab.send(event(WithdrawState, "send"), {"form": form | {"wish": wish}})
            await tab.until("wish", lambda other: other not in ("", wish))
            assert len(withdrawals(account)) == 1
