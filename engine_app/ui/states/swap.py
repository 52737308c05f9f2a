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
from engine_app.errors import EngineError
from engine_app.exact_json import number
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import Token, parse_amount, whole
from engine_app.orders.service import PlaceSwap, check_slippage
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.form_numbers import fraction, typed
from engine_app.ui.quote_view import Cost, Quote, cost_rows, impact_allowed, mints_of, quote_of, slippage_warning
from engine_app.ui.size_view import SizeChart, size_chart
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
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_choice import TokenChoice, token_choice, token_label
from engine_app.ui.words import TOLD, may_pass, told

QUOTES_UNTIL_PAUSE = 60

CONFIRMATION = "SWAP"
"""What has to be typed to swap in spite of a high price impact."""
IMPACT_DIALOG = "impact-dialog"

PAIR_AT_FIRST = ("SOL", "USDC")

Side = Literal["in", "out"]


class SwapState(SessionState):
    """The form and the quote it shows."""

    paid: TokenChoice = TokenChoice()
    received: TokenChoice = TokenChoice()
    amount: str = ""
    slippage: str = "1"
    slippage_warning: str = ""
    quote: Quote = Quote()
    costs: rx.Field[list[Cost]] = rx.field(default_factory=list)
    sizes: SizeChart = SizeChart()
    ring: int = 0
    """Counts the quotes shown: each has ten seconds of its own."""
    rate_back: bool = False
    quoting: bool = False
    paused: bool = False
    unpriced: bool = False
    """Whether what the form asks has no price."""
    retriable: bool = False
    """Whether it may have one where it is asked for again."""
    notice: str = ""
    """What is to be said of what the form asks, until it asks something else or has a price."""
    refusal: str = ""
    """Why what was pressed last was not done, until the form changes or something else is pressed."""
    confirmation: str = ""

    _pair: tuple[str, str] = PAIR_AT_FIRST
    """Symbols, or mints of tokens that are not listed."""
    _turn: int = 0
    _paying: Decimal = Decimal(0)
    """Whole tokens that are asked for or shown; zero where the form asks nothing usable."""
    _confirming: bool = False
    """Whether the dialog that asks for the confirmation was opened and not closed from here since."""
    _expected: str = ""
    """The shown quote's output in whole tokens, exactly."""
    _impact: Decimal = Decimal(0)
    _quoted_at: float = 0.0
    """The event loop's clock when the shown quote came."""
    _wish: str = ""
    """Names one wish to swap: whatever asks for it again is answered with the same order."""

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
        self._pair = self._pair[::-1]
        self.paid, self.received = self.received, self.paid
        self._forget_quote()
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
        self.slippage = typed(text)
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
        return [browser.scroll_to("progress")]

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
        mine, other = self._pair if side == "in" else self._pair[::-1]
        if token.symbol == other:
            other = mine
        self._pair = (token.symbol, other) if side == "in" else (other, token.symbol)
        self._forget_quote()
        return await self._asked()

    async def _named(self) -> tuple[Token, Token]:
        """The tokens of both sides, which are shown from here on. Raises what finding a token does."""
        lookup = services().token_lookup
        paid, received = await lookup.find(self._pair[0]), await lookup.find(self._pair[1])
        self.paid, self.received = token_choice(paid), token_choice(received)
        return paid, received

    async def _asked(self) -> list[Any]:
        """The form changed: what was quoted is no longer what it asks."""
        self._turn += 1
        self._wish = uuid4().hex
        self.notice = ""
        self.refusal = ""
        self.unpriced = False
        try:
            asked = self._parsed(*await self._named())
        except TOLD as error:
            self._without_price(error)
            return []
        if asked is None:
            self._without_quote(self.notice)
            return []
        self._paying = Decimal(self.amount)
        self.quote = replace(self.quote, key="", too_large="")
        self.quoting = True
        return [SwapState.requote]

    async def _available(self) -> Decimal | None:
        """Whole tokens of the token to pay that are free; None before the wallet was read."""
        wallet = await self.get_state(WalletState)
        return wallet._available.get(self._pair[0], Decimal(0)) if wallet.loaded else None

    def _parsed(self, paid: Token, received: Token) -> tuple[str, str, int, Decimal] | None:
        """What the form asks: tokens, base units, slippage; None with `notice` set where it asks nothing usable."""
        self.slippage_warning = ""
        try:
            slippage = fraction(self.slippage)
            check_slippage(slippage)
            self.slippage_warning = slippage_warning(slippage)
            if not self.amount:
                return None
            amount = parse_amount(self.amount, paid.decimals)
        except EngineError as error:
            self.notice = told(error)
            return None
        return paid.symbol, received.symbol, amount, slippage

    async def _quoted(self, asked: tuple[str, str, int, Decimal], turn: int) -> QuoteView:
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

    def _show(self, view: QuoteView) -> None:
        before = self.quote.impact
        self.quote = quote_of(view, services().tokens.all(), services().settings.default_max_price_impact)
        if self.quote.impact != before and view.price_impact > self._impact:
            self._unconfirm()
        self._expected = number(whole(view.amount_out, view.token_out.decimals))
        self._paying = whole(view.amount_in, view.token_in.decimals)
        self._impact = view.price_impact
        self._quoted_at = asyncio.get_running_loop().time()
        self.ring += 1
        self.notice = ""
        self.quoting = self.unpriced = False

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

    def _without_price(self, error: Exception) -> None:
        self._without_quote(told(error))
        self.unpriced = True
        self.retriable = may_pass(error)

    def _without_quote(self, notice: str) -> None:
        self._forget_quote()
        self.quoting = self.unpriced = False
        self._paying = Decimal(0)
        self.notice = notice

    def _forget_quote(self) -> None:
        self.quote = Quote()
        self.costs = []
        self.sizes = SizeChart()
        self._expected = ""

    def _unconfirm(self) -> None:
        """Take back a confirmation that was typed: it does not count for a higher impact than was seen."""
        if self.confirmation:
            self.confirmation = ""
            self.refusal = f"The price impact rose just now. Look at it and type {CONFIRMATION} again."

    def _confirmed_no_more(self) -> list[Any]:
        """Closes the dialog that asks for a confirmation, where nothing is left that needs one."""
        if not self._confirming or self.quote.risky:
            return []
        self._confirming = False
        return [browser.close_dialog(IMPACT_DIALOG)]

    def _is_looked_at(self) -> bool:
        """Whether the tab shows the form, as far as it told."""
        return str(self.router.url.path).strip("/") == ""
