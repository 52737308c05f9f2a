"""What the order form refuses to place, whatever a client sends, and what it says of what it shows."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from decimal import Decimal

from reflex.state import State

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.errors import RpcUnavailable
from engine_app.markets.errors import NoPool
from engine_app.markets.tokens import TokenList
from engine_app.ui.quote_view import Quote
from engine_app.ui.spending import STALE_SECONDS
from engine_app.ui.states.picker import PickerState
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.wallet import WalletState
from tests.conftest import RunningEngine
from tests.trading import bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event

TOKENS = TokenList(CLUSTERS["localnet"])
SOL, USDC = TOKENS.resolve("SOL"), TOKENS.resolve("USDC")

importlib.import_module("engine_app.ui.site")  # makes every state known


def form(*, age_seconds: float = 0.0) -> SwapState:
    """The form with a quote of this age that can be ordered."""
    state = SwapState()
    state.quote = Quote(key="shown", amount_out="1", risky=True)
    state._quoted_at = asyncio.get_running_loop().time() - age_seconds
    return state


async def test_what_is_shown_can_be_placed() -> None:
    assert form()._refusal("shown", short=False) is None


async def test_another_quote_than_the_one_that_was_seen_is_not_placed() -> None:
    state = form()
    assert state._refusal("another", short=False) == []
    assert "updated just now" in state.refusal


async def test_without_a_quote_or_the_funds_nothing_is_placed() -> None:
    state = form()
    assert state._refusal("shown", short=True) == []
    state.quote = Quote()
    assert state._refusal("shown", short=False) == []


async def test_an_old_quote_is_not_placed_but_asked_for_anew() -> None:
    state = form(age_seconds=STALE_SECONDS + 1)
    assert state._refusal("shown", short=False) == [SwapState.requote]
    assert state.quote.key == ""
    assert "too old" in state.notice


async def test_the_balance_is_looked_at_whenever_it_changes() -> None:
    root = State()
    swap, wallet = await root.get_state(SwapState), await root.get_state(WalletState)
    root._clean()  # type: ignore[no-untyped-call]
    swap._paying = Decimal("1.5")
    assert not await swap.short
    wallet.loaded = True
    assert await swap.short
    root._clean()  # type: ignore[no-untyped-call]
    wallet._available = {"SOL": Decimal("1.505")}
    assert any(f"short{suffix}" in names for names in (await _delta(root)).values() for suffix in ("", "_rx_state_"))
    assert not await swap.short
    assert await swap.spends_fees
    wallet._available = {"SOL": Decimal(10)}
    assert not await swap.spends_fees


async def _delta(root: State) -> dict[str, dict[str, object]]:
    """What a tab would be sent now."""
    delta: dict[str, dict[str, object]] = await root._get_resolved_delta()
    return delta


async def test_the_dialog_closes_only_where_nothing_is_left_to_confirm() -> None:
    state = form()
    assert state._confirmed_no_more() == []
    state._confirming = True
    state.quote = replace(state.quote, key="")
    assert state._confirmed_no_more() == []
    state.quote = replace(state.quote, risky=False)
    assert len(state._confirmed_no_more()) == 1
    assert state._confirmed_no_more() == []


async def test_only_a_price_that_may_come_is_offered_to_be_asked_for_again() -> None:
    state = form()
    state._without_price(RpcUnavailable("connection refused"))
    assert (state.quote, state.unpriced, state.retriable) == (Quote(), True, True)
    state._without_price(NoPool("none"))
    assert (state.unpriced, state.retriable) == (True, False)
    state._without_quote("")
    assert not state.unpriced


async def test_the_field_that_has_to_be_corrected_is_known() -> None:
    state = form()
    for slippage, amount, amiss, notice in (
        ("60", "1", "slippage", "Slippage goes from"),
        ("", "1", "slippage", "Slippage goes from"),
        ("1,5", "", "slippage", "Write it as 1.5"),
        ("1e1", "1", "slippage", "has an exponent"),
        ("1", "1e2", "amount", "has an exponent"),
        ("1", "0", "amount", "above zero"),
        ("1", "1.0000000001", "amount", "9 decimal places"),
        ("1", "", "", ""),
        ("1", "1", "", ""),
    ):
        state.slippage, state.amount, state.notice = slippage, amount, ""
        asked = state._parsed(SOL, USDC)
        assert (state.amiss, asked is None) == (amiss, bool(amiss) or not amount)
        assert notice in state.notice


async def test_a_refusal_outlasts_a_quote_that_is_gone() -> None:
    state = form()
    state.refusal = "The operator takes no new orders at the moment."
    state._without_quote("")
    assert state.refusal


async def test_a_confirmation_does_not_count_for_a_higher_impact() -> None:
    state = form()
    state._unconfirm()
    assert state.refusal == ""
    state.confirmation = "SWAP"
    state._unconfirm()
    assert state.confirmation == ""
    assert "type SWAP again" in state.refusal


async def test_an_amount_is_cut_to_the_decimals_of_the_token_that_is_paid_now(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.send(event(SwapState, "set_amount"), {"text": "1234.123456789"})
            await tab.until("amount_read", lambda read: read == "1,234.123456789")
            await tab.send(event(PickerState, "open"), {"side": "out"})
            await tab.send(event(PickerState, "take"), {"token": "USDT"})
            await tab.until("received", lambda received: received["token"] == "USDT")
            assert tab.values("amount")[-1] == "1234.123456789"
            await tab.send(event(SwapState, "flip"))
            await tab.until("amount", lambda amount: amount == "1234.123456")
            await tab.quiet()
            assert not any(tab.values("amiss"))
