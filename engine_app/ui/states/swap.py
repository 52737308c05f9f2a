"""The order form: what to swap, both venues' quotes as one types, and placing the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

import reflex as rx
from solders.pubkey import Pubkey

from engine_app.accounts.service import Identity
from engine_app.exact_json import number
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import Token
from engine_app.orders.service import PlaceSwap
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.form_checks import cut
from engine_app.ui.form_numbers import fraction, typed, typed_percent
from engine_app.ui.quote_view import cost_rows, impact_allowed, mints_of
from engine_app.ui.size_view import size_chart
from engine_app.ui.spending import (
    GRACE_SECONDS,
    QUOTE_SECONDS,
    SHARES,
    falls_short,
    is_stale,
    nothing_to_share,
    share,
    spends_fees,
    wish_key,
)
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.states.swap_form import CONFIRMATION, IMPACT_DIALOG, Asked, SwapForm
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_choice import token_label
from engine_app.ui.words import TOLD, told

QUOTES_UNTIL_PAUSE = 60

Side = Literal["in", "out"]


class SwapState(SwapForm, SessionState):
    """The form and what is done with it."""

    @rx.var
    async def short(self) -> bool:
        """Whether the wallet is known to have less than the form asks to pay."""
        return falls_short(self._paying, await self._available())

    @rx.var
    async def spends_fees(self) -> bool:
        """Whether what the form asks leaves too little for fees and rents."""
        return spends_fees(self._paying, await self._available(), token=self._pair[0])

    @rx.event
    @signed_in_only
    async def set_amount(self, _: Identity, text: str) -> Any:
        """Take what was typed as the amount to pay."""
        self.amount = typed(text)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def flip(self, _: Identity) -> Any:
        """Swap the sides."""
        await self._recall()
        self._pair = self._pair[::-1]
        self.paid, self.received = self.received, self.paid
        self._forget_quote()
        await self._fit_amount()
        return await self._asked()

    @rx.event
    @signed_in_only
    async def turn_rate(self, _: Identity) -> None:
        """Say the price the other way round."""
        self.rate_back = not self.rate_back

    @rx.event
    @signed_in_only
    async def use_share(self, _: Identity, divisor: int) -> Any:
        """Pay the whole balance (1) or half of it (2); of SOL a little stays for fees."""
        await self._recall()
        if divisor in SHARES:
            try:
                token = await services().token_lookup.find(self._pair[0])
            except TOLD as error:
                self.refusal = told(error)
                return None
            available = await self._available() or Decimal(0)
            filled_in = share(available, divisor, token=token.symbol, decimals=token.decimals)
            if not filled_in:
                self.refusal = nothing_to_share(token_label(token))
                return None
            self.amount = number(filled_in)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def set_slippage(self, _: Identity, text: str) -> Any:
        """Set the slippage, in percent as it is typed."""
        await self._recall()
        self.slippage = typed_percent(text)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def confirm(self, _: Identity, text: str) -> None:
        """Take what was typed to confirm a high price impact."""
        self.confirmation = typed(text)

    @rx.event(background=True)
    async def requote(self) -> AsyncIterator[Any]:
        """Quote what the form asks, again every few seconds while it stays and the tab shows it."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
            if self.amount and not self.quote.key:
                self.quoting = True
        try:
            for _ in range(QUOTES_UNTIL_PAUSE):
                goes_on, events = await self._round(turn)
                for event in events:
                    yield event
                if not goes_on:
                    return
                await asyncio.sleep(QUOTE_SECONDS)
                if not is_connected(client_token):
                    return
                async with self:
                    if self._turn == turn and not self._is_looked_at():
                        self._without_quote("")
                        return
            async with self:
                if self._turn == turn:
                    self._without_quote("")
                    self.paused = True
                events = self._confirmed_no_more()
            for event in events:
                yield event
        finally:
            async with self:
                if self._turn == turn and self.quoting:
                    self.quoting = False

    async def _round(self, turn: int) -> tuple[bool, list[Any]]:
        """Quote once and show what came of it; whether another round is to follow, and what the page has to do."""
        try:
            async with self:
                if self._turn != turn:
                    return False, []
                if await self._identity() is None:
                    return False, [browser.to_login()]
                self.paused = False
                await self._recall()
                asked = self._parsed(*await self._named())
            if asked is None:
                return False, []
            view = await self._quoted(asked, turn)
        except TOLD as error:
            async with self:
                if self._turn == turn:
                    self._without_price(error)
                return True, self._confirmed_no_more()
        async with self:
            if self._turn == turn:
                self._show(view)
            events = self._confirmed_no_more()
        await self._show_rest(view, turn)
        return True, events

    @rx.event
    @signed_in_only
    async def place(self, identity: Identity, key: str) -> Any:
        """Place the order that is shown, or ask for the typed confirmation that its price impact needs.

        `key` names the quote that the person saw: no other is placed.
        """
        self.refusal = ""
        if (refusal := self._refusal(key, short=await self.short)) is not None:
            return refusal
        if self.quote.risky:
            self.confirmation = ""
            self._confirming = True
            return browser.open_dialog(IMPACT_DIALOG)
        return await self._place(identity, None)

    @rx.event
    @signed_in_only
    async def place_despite(self, identity: Identity, key: str) -> Any:
        """Place the order that is shown although its price impact is high, once the confirmation was typed."""
        self.refusal = ""
        if (refusal := self._refusal(key, short=await self.short)) is not None:
            return refusal
        if self.confirmation.upper() != CONFIRMATION:
            return None
        placed = await self._place(identity, impact_allowed(self._impact))
        self._confirming = False
        return [browser.close_dialog(IMPACT_DIALOG), *placed]

    async def _place(self, identity: Identity, max_price_impact: Decimal | None) -> list[Any]:
        shown, self.quote = self.quote, replace(self.quote, key="")
        try:
            order = await services().orders.place(
                identity.user_id,
                PlaceSwap(
                    token_in=self._pair[0],
                    token_out=self._pair[1],
                    amount=self.amount,
                    slippage=fraction(self.slippage),
                    expected_quote=self._expected,
                    max_price_impact=max_price_impact,
                ),
                key=wish_key(self._wish, shown.key),
            )
        except TOLD as error:
            self.quote = shown
            self.refusal = told(error)
            return []
        self.amount = ""
        self.confirmation = ""
        self._turn += 1
        self._wish = uuid4().hex
        self._without_quote("")
        orders = await self.get_state(OrdersState)
        orders._placed(order)
        return [browser.scroll_to("progress"), browser.keep_focus("progress")]

    def _refusal(self, key: str, *, short: bool) -> list[Any] | None:
        """What is to be done where the quote of this key cannot be ordered, said at the form where it is not plain to
        see; None where it can."""
        if not self.quote.key or short:
            return []
        if key != self.quote.key:
            self.refusal = "The price was updated just now. Look at it and press again."
            return []
        if is_stale(asyncio.get_running_loop().time() - self._quoted_at):
            self.quote = replace(self.quote, key="")
            self.quoting = True
            self.notice = "The price was too old to be ordered. Here is a fresh one in a moment."
            return [SwapState.requote]
        return None

    async def _choose(self, side: Side, token: Token) -> list[Any]:
        """Take a token for one side; choosing the other side's swaps the sides."""
        await self._recall()
        paid_before = self._pair[0]
        mine, other = self._pair if side == "in" else self._pair[::-1]
        if token.symbol == other:
            other = mine
        self._pair = (token.symbol, other) if side == "in" else (other, token.symbol)
        self._forget_quote()
        if self._pair[0] != paid_before:
            await self._fit_amount()
        return await self._asked()

    async def _fit_amount(self) -> None:
        """Cut the amount, which was typed for another token, to the decimals of the one that is paid now.

        A token that cannot be found is told of by whoever quotes it.
        """
        try:
            paid = await services().token_lookup.find(self._pair[0])
        except TOLD:
            return
        self.amount = cut(self.amount, paid.decimals)

    async def _asked(self) -> list[Any]:
        """The form changed: what was quoted is no longer what it asks."""
        self._turn += 1
        self._wish = uuid4().hex
        self.notice = ""
        self.refusal = ""
        self.unpriced = False
        await self._recall()
        try:
            asked = self._parsed(*await self._named())
        except TOLD as error:
            self._without_price(error)
            return []
        await self._remember()
        if asked is None:
            self._without_quote(self.notice)
            return []
        self._paying = Decimal(self.amount)
        self.quote = replace(self.quote, key="", too_large="")
        self.quoting = True
        return [SwapState.requote]

    async def _quoted(self, asked: Asked, turn: int) -> QuoteView:
        """The quote, however long it takes; the one before is withdrawn where that is long."""
        asking = asyncio.ensure_future(services().quotes.quote(*asked))
        try:
            done, _ = await asyncio.wait({asking}, timeout=GRACE_SECONDS)
            if not done:
                async with self:
                    if self._turn == turn:
                        self.quote = replace(self.quote, key="", too_large="")
                        self.quoting = True
            return await asking
        finally:
            asking.cancel()

    async def _show_rest(self, view: QuoteView, turn: int) -> None:
        """What is known a little later than the quote: fees, rents, and what other sizes would pay.

        Costs that take long are left out: the next quote is not to wait for them.
        """
        async with self:
            accounts = (await self.get_state(WalletState))._accounts
        pools = [Pubkey.from_string(leg.pool) for leg in self.quote.legs]
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                costs = await services().costs.of(mints_of(view), pools, accounts)
        except (*TOLD, TimeoutError):
            costs = None
        by_size = await asyncio.to_thread(view.by_size)
        async with self:
            if self._turn == turn:
                self.costs = [] if costs is None else cost_rows(costs, token_label(view.token_out))
                self.sizes = size_chart(by_size, view.token_in, view.token_out, view.amount_in)

    def _is_looked_at(self) -> bool:
        """Whether the tab shows the form, as far as it told."""
        return str(self.router.url.path).strip("/") == ""
