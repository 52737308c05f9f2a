"""A withdrawal's form: sent twice, as a double click sends it, it places one; what it cannot send, it says."""

from __future__ import annotations

import importlib
from decimal import Decimal
from typing import Any

import pytest
from solders.keypair import Keypair

from engine_app.markets.errors import InvalidAmount
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.states.withdraw import WithdrawState
from engine_app.wallets.balances import Balance
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, Bot, bot
from tests.ui.conftest import OpenTab, Tab
from tests.ui.test_guards import HYDRATE, cookie_of, event

importlib.import_module("engine_app.ui.site")  # makes every state known


def balance(token: str, available: str) -> Balance:
    """What a wallet holds of a token; it has one more than is free."""
    free = Decimal(available)
    return Balance(token, f"mint of {token}", free + 1, int(free + 1), free, int(free))


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


def test_the_form_moves_to_a_token_that_is_left() -> None:
    form = WithdrawState()
    form.what, form.how_much, form.refusal = "USDC", "12.5", "No."
    form._offer((balance("SOL", "2"), balance("USDC", "15")))
    assert (form.what, form.how_much, form.refusal) == ("USDC", "12.5", "No.")
    form._offer((balance("SOL", "2"),))
    assert (form.what, form.how_much, form.refusal) == ("SOL", "", "")
    form._offer((balance("SOL", "2"), balance("USDC", "15")))
    assert form.what == "SOL"


@pytest.mark.parametrize("how_much", ["0.5", "8070.1234"])
def test_what_is_free_may_be_sent(how_much: str) -> None:
    form = WithdrawState()
    form._require_held("SOL", Decimal(how_much))
    form._offer((balance("SOL", "8070.1234"),))
    form._require_held("SOL", Decimal(how_much))


@pytest.mark.parametrize("how_much", ["999999", "8070.12340001"])
def test_what_is_not_there_is_refused(how_much: str) -> None:
    form = WithdrawState()
    form._offer((balance("SOL", "8070.1234"),))
    with pytest.raises(InvalidAmount, match=r"Not enough SOL: 8,070\.1234 can be sent"):
        form._require_held("SOL", Decimal(how_much))


async def test_what_was_accepted_is_answered_again_though_less_is_held_by_now(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    """The process that accepted it could not say so; another sum under another wish would be another withdrawal."""
    with bot(engine.base_url) as account:
        held = account.balances()["SOL"]
        form = withdrawal() | {"amount": str(Decimal(held * 6 // 10) / 10**9)}
        async with open_tab(cookie=cookie_of(account)) as tab:
            wish = await shown(tab)
            assert await send(tab, form | {"wish": wish}) != wish
        account.wait(withdrawals(account)[0]["orderId"])
        kept = {"vars": {f"{WithdrawState.get_full_name()}.wish_rx_state_": wish}}
        async with open_tab(cookie=cookie_of(account)) as tab:
            assert await shown(tab, kept) == wish
            await tab.send(event(WalletState, "load"))
            await tab.until("balances", lambda rows: "SOL" in {row["token"] for row in rows})
            assert await send(tab, form | {"wish": wish}) != wish
            assert not any(tab.values("refusal"))
        assert len(withdrawals(account)) == 1


async def test_the_form_follows_the_wallet_and_says_what_it_sends(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            wish = await shown(tab)
            await tab.send(event(WalletState, "load"))
            await tab.until("balances", lambda rows: "USDC" in {row["token"] for row in rows})
            await tab.send(event(WithdrawState, "set_what"), {"token": "USDC"})
            await tab.send(event(WithdrawState, "send_all"))
            await tab.until("everything", "Sends 1,500 USDC.".__eq__)
            form = withdrawal() | {"token": "USDC", "wish": wish}
            for refused, words in (("1500.01", "Not enough USDC"), ("1e2", "exponent"), ("", "Enter an amount.")):
                assert await send(tab, form | {"amount": refused}) == wish
                assert words in tab.values("refusal")[-1]
            assert withdrawals(account) == []
            tab.updates.clear()
            await tab.send(event(WithdrawState, "send"), {"form": form | {"amount": "max"}})
            await tab.until("what", "SOL".__eq__)
            to = form["address"]
            assert f"1,500 USDC to {to[:6]}…{to[-6:]}" in str(tab.updates)
            await tab.send(event(WithdrawState, "send_all"))
            await tab.until("everything", lambda words: words.endswith(" SOL and leaves the fee."))
            following = str([wish for wish in tab.values("wish") if wish][-1])
            await send(tab, form | {"token": "SOL", "amount": "\u202f0.\t5 ", "wish": following})
            newest = max(withdrawals(account), key=lambda order: order["createdAt"])
            assert (newest["tokenIn"], newest["amountIn"]) == ("SOL", 0.5)
