"""The order form: what to swap, both venues' quotes as one types, and placing the order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

import reflex as rx

from engine_app.errors import EngineError
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import parse_amount, whole
from engine_app.orders.service import PlaceSwap, check_slippage
from engine_app.services import services
from engine_app.ui.figures import plain
from engine_app.ui.quote_view import Quote, quote_card
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.session import SessionState, to_login
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_marks import token_icon
from engine_app.ui.words import told

QUOTE_SECONDS = 10
QUOTES_UNTIL_PAUSE = 60
SOL_KEPT = Decimal("0.01")
"""SOL that *Max* leaves for fees and rents."""
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
    async def enter(self) -> Any:
        """Fill the token lists of the form."""
        if await self._identity() is None:
            return None
        self.tokens = [token.symbol for token in services().tokens.all()]
        return SwapState.requote

    @rx.event
    async def set_amount(self, text: str) -> Any:
        """Take what was typed as the amount to pay."""
        self.amount = _typed(text)
        return await self._asked()

    @rx.event
    async def set_token_in(self, symbol: str) -> Any:
        """Choose the token to pay; choosing the other side's swaps the sides."""
        if symbol in self.tokens:
            if symbol == self.token_out:
                self.token_out = self.token_in
            self.token_in = symbol
        return await self._asked()

    @rx.event
    async def set_token_out(self, symbol: str) -> Any:
        """Choose the token to receive; choosing the other side's swaps the sides."""
        if symbol in self.tokens:
            if symbol == self.token_in:
                self.token_in = self.token_out
            self.token_out = symbol
        return await self._asked()

    @rx.event
    async def flip(self) -> Any:
        """Swap the sides."""
        self.token_in, self.token_out = self.token_out, self.token_in
        return await self._asked()

    @rx.event
    async def use_share(self, divisor: int) -> Any:
        """Pay the whole balance (1) or half of it (2); of SOL a little stays for fees."""
        wallet = await self.get_state(WalletState)
        held = wallet._available.get(self.token_in, Decimal(0))
        if self.token_in == "SOL":  # noqa: S105
            held = max(held - SOL_KEPT, Decimal(0))
        if divisor in (1, 2):
            decimals = services().tokens.resolve(self.token_in).decimals
            self.amount = plain((held / divisor).quantize(Decimal(1).scaleb(-decimals), rounding="ROUND_DOWN"))
        return await self._asked()

    @rx.event
    async def set_slippage(self, text: str) -> Any:
        """Set the slippage, in percent as it is typed."""
        self.slippage = _typed(text)
        return await self._asked()

    @rx.event(background=True)
    async def requote(self) -> None:
        """Quote what the form asks, and again every few seconds while it stays the same and the tab is open."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
            self.paused = False
        try:
            await self._keep_quoted(turn, client_token)
        finally:
            async with self:
                if self._turn == turn:
                    self.quoting = False

    async def _keep_quoted(self, turn: int, client_token: str) -> None:
        for _ in range(QUOTES_UNTIL_PAUSE):
            async with self:
                if self._turn != turn:
                    return
                identity = await self._identity()
                asked = self._parsed() if identity is not None else None
                if asked is None:
                    return
            try:
                view = await services().quotes.quote(*asked)
            except EngineError as error:
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

    @rx.event
    async def place(self, key: str) -> Any:
        """Place the order that is shown. `key` names the quote that the person saw: no other is placed."""
        identity = await self._identity()
        if identity is None:
            return to_login()
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
        except EngineError as error:
            self.quote = shown
            self.notice = told(error)
            return None
        self.amount = ""
        self._turn += 1
        self._without_quote("")
        orders = await self.get_state(OrdersState)
        orders._placed(order)
        return rx.call_script(
            "document.getElementById('progress')?.scrollIntoView({behavior: 'smooth', block: 'nearest'})"
        )

    async def _asked(self) -> Any:
        """The form changed: what was quoted is no longer what it asks."""
        self._turn += 1
        self.icon_in, self.icon_out = token_icon(self.token_in), token_icon(self.token_out)
        self.notice = ""
        wallet = await self.get_state(WalletState)
        asked = self._parsed()
        if asked is None:
            self._without_quote(self.notice)
            return None
        held = wallet._available.get(self.token_in, Decimal(0))
        self.short = wallet.loaded and Decimal(self.amount) > held
        self.quote = replace(self.quote, key="", too_large="")
        self.quoting = True
        return SwapState.requote

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
        self._expected = plain(amount_out)
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
