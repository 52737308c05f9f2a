"""The order form: what to swap, both venues' quotes as one types, and placing the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.errors import EngineError
from engine_app.exact_json import number
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import parse_amount, whole
from engine_app.orders.service import PlaceSwap, check_slippage
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.quote_view import Quote, quote_card
from engine_app.ui.spending import SHARES, falls_short, share
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_marks import token_icon
from engine_app.ui.words import TOLD, told

QUOTE_SECONDS = 10
QUOTES_UNTIL_PAUSE = 60
LONGEST_INPUT = 40


class SwapState(SessionState):
    """The form and the quote it shows."""

    tokens: rx.Field[list[str]] = rx.field(default_factory=list)
    token_in: str = "SOL"  # noqa: S105
    token_out: str = "USDC"  # noqa: S105
    icon_in: str = token_icon("SOL")
    icon_out: str = token_icon("USDC")
    amount: str = ""
    slippage: str = "1"
    quote: Quote = Quote()
    quoting: bool = False
    paused: bool = False
    short: bool = False
    notice: str = ""

    _turn: int = 0
    _expected: str = ""
    """The shown quote's output in whole tokens, exactly."""

    @rx.event
    @signed_in_only
    async def set_amount(self, _: Identity, text: str) -> Any:
        """Take what was typed as the amount to pay."""
        self.amount = _typed(text)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def set_token_in(self, _: Identity, symbol: str) -> Any:
        """Choose the token to pay; choosing the other side's swaps the sides."""
        if symbol in self.tokens:
            if symbol == self.token_out:
                self.token_out = self.token_in
            self.token_in = symbol
        return await self._asked()

    @rx.event
    @signed_in_only
    async def set_token_out(self, _: Identity, symbol: str) -> Any:
        """Choose the token to receive; choosing the other side's swaps the sides."""
        if symbol in self.tokens:
            if symbol == self.token_in:
                self.token_in = self.token_out
            self.token_out = symbol
        return await self._asked()

    @rx.event
    @signed_in_only
    async def flip(self, _: Identity) -> Any:
        """Swap the sides."""
        self.token_in, self.token_out = self.token_out, self.token_in
        return await self._asked()

    @rx.event
    @signed_in_only
    async def use_share(self, _: Identity, divisor: int) -> Any:
        """Pay the whole balance (1) or half of it (2); of SOL a little stays for fees."""
        if divisor in SHARES:
            decimals = services().tokens.resolve(self.token_in).decimals
            available = await self._available() or Decimal(0)
            self.amount = number(share(available, divisor, token=self.token_in, decimals=decimals))
        return await self._asked()

    @rx.event
    @signed_in_only
    async def set_slippage(self, _: Identity, text: str) -> Any:
        """Set the slippage, in percent as it is typed."""
        self.slippage = _typed(text)
        return await self._asked()

    @rx.event(background=True)
    async def requote(self) -> AsyncIterator[Any]:
        """Fill the token lists; quote what the form asks, again every few seconds while it and the tab stay."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        try:
            for _ in range(QUOTES_UNTIL_PAUSE):
                try:
                    async with self:
                        if self._turn != turn:
                            return
                        if await self._identity() is None:
                            yield browser.to_login()
                            return
                        self.paused = False
                        self.tokens = [token.symbol for token in services().tokens.all()]
                        asked = self._parsed()
                    if asked is None:
                        return
                    view = await services().quotes.quote(*asked)
                except TOLD as error:
                    async with self:
                        if self._turn == turn:
                            self._without_quote(told(error))
                else:
                    async with self:
                        if self._turn == turn:
                            self._show(view)
                await asyncio.sleep(QUOTE_SECONDS)
                if not is_connected(client_token):
                    return
            async with self:
                if self._turn == turn:
                    self._without_quote("")
                    self.paused = True
        finally:
            async with self:
                if self._turn == turn and self.quoting:
                    self.quoting = False

    @rx.event
    @signed_in_only
    async def place(self, identity: Identity, key: str) -> Any:
        """Place the order that is shown. `key` names the quote that the person saw: no other is placed."""
        if not self.quote.key:
            return None
        if key != self.quote.key:
            self.notice = "The price was updated just now. Look at it and press again."
            return None
        shown, self.quote = self.quote, replace(self.quote, key="")
        try:
            order = await services().orders.place(
                identity.user_id,
                PlaceSwap(
                    token_in=self.token_in,
                    token_out=self.token_out,
                    amount=self.amount,
                    slippage=_fraction(self.slippage),
                    expected_quote=self._expected,
                ),
            )
        except TOLD as error:
            self.quote = shown
            self.notice = told(error)
            return None
        self.amount = ""
        self._turn += 1
        self._without_quote("")
        orders = await self.get_state(OrdersState)
        orders._placed(order)
        return browser.scroll_to("progress")

    async def _asked(self) -> Any:
        """The form changed: what was quoted is no longer what it asks."""
        self._turn += 1
        self.icon_in, self.icon_out = token_icon(self.token_in), token_icon(self.token_out)
        self.notice = ""
        asked = self._parsed()
        if asked is None:
            self._without_quote(self.notice)
            return None
        self.short = falls_short(Decimal(self.amount), await self._available())
        self.quote = replace(self.quote, key="", too_large="")
        self.quoting = True
        return SwapState.requote

    async def _available(self) -> Decimal | None:
        """Whole tokens of the token to pay that are free; None before the wallet was read."""
        wallet = await self.get_state(WalletState)
        return wallet._available.get(self.token_in, Decimal(0)) if wallet.loaded else None

    def _parsed(self) -> tuple[str, str, int, Decimal] | None:
        """What the form asks: tokens, base units, slippage; None with `notice` set where it asks nothing usable."""
        if not self.amount:
            return None
        try:
            decimals = services().tokens.resolve(self.token_in).decimals
            amount = parse_amount(self.amount, decimals)
            slippage = _fraction(self.slippage)
            check_slippage(slippage)
        except EngineError as error:
            self.notice = told(error)
            return None
        return self.token_in, self.token_out, amount, slippage

    def _show(self, view: QuoteView) -> None:
        paid, received = view.token_in.decimals, view.token_out.decimals
        amount_out = whole(view.amount_out, received)
        self.quote = quote_card(
            token_in=self.token_in,
            token_out=self.token_out,
            amount_in=whole(view.amount_in, paid),
            amount_out=amount_out,
            min_out=whole(view.min_out, received),
            dex_quotes=view.dex_quotes,
            selected_dex=view.selected_dex,
            price_impact=view.price_impact,
            max_price_impact=services().settings.default_max_price_impact,
            slot=view.slot,
        )
        self._expected = number(amount_out)
        self.notice = ""
        self.quoting = False

    def _without_quote(self, notice: str) -> None:
        self.quote = Quote()
        self.quoting = False
        self.short = False
        self._expected = ""
        self.notice = notice


def _typed(text: object) -> str:
    """What a person typed into a number field, without spaces and at most as long as a number can be."""
    return str(text).replace(" ", "").replace("\u00a0", "")[:LONGEST_INPUT]


def _fraction(percent: str) -> Decimal:
    """A percentage in words of the form as a fraction; NaN where it is no number, which the check refuses."""
    try:
        return Decimal(percent) / 100
    except InvalidOperation:
        return Decimal("NaN")
