"""What the order form holds and what it shows of a quote."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import reflex as rx

from engine_app.errors import EngineError
from engine_app.exact_json import number
from engine_app.markets.quotes import QuoteView
from engine_app.markets.tokens import Token, parse_amount, whole
from engine_app.orders.service import check_slippage
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.form_checks import grouped, plain
from engine_app.ui.form_numbers import fraction
from engine_app.ui.preferences import is_slippage, pair_of, pair_text, slippage_of
from engine_app.ui.quote_view import Cost, Quote, quote_of, slippage_warning
from engine_app.ui.size_view import SizeChart
from engine_app.ui.states.preferences import PreferencesState
from engine_app.ui.states.session import SessionState
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.token_choice import TokenChoice, token_choice
from engine_app.ui.words import TOLD, may_pass, told

CONFIRMATION = "SWAP"
"""What has to be typed to swap in spite of a high price impact."""
IMPACT_DIALOG = "impact-dialog"

PAIR_AT_FIRST = ("SOL", "USDC")

Asked = tuple[str, str, int, Decimal]
"""Token to pay, token to receive, base units to pay, slippage as a fraction."""


class SwapForm(SessionState, mixin=True):
    """The form's fields and the quote beside them. No event of its own."""

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
    amiss: str = ""
    """The field that has to be corrected before anything can be asked: `amount` or `slippage`; empty for none."""
    notice: str = ""
    """What is to be said of what the form asks, until it asks something else or has a price."""
    refusal: str = ""
    """Why what was pressed last was not done, until the form changes or something else is pressed."""
    confirmation: str = ""

    _pair: tuple[str, str] = PAIR_AT_FIRST
    """Symbols, or mints of tokens that are not listed."""
    _recalled: bool = False
    """Whether what the browser remembers was taken in."""
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
    def amount_read(self) -> str:
        """The amount as the page says it: its digits are grouped, which those that are typed are not."""
        return grouped(self.amount)

    async def _named(self) -> tuple[Token, Token]:
        """The tokens of both sides, which are shown from here on. Raises what finding a token does."""
        lookup = services().token_lookup
        paid, received = await lookup.find(self._pair[0]), await lookup.find(self._pair[1])
        self.paid, self.received = token_choice(paid), token_choice(received)
        return paid, received

    async def _available(self) -> Decimal | None:
        """Whole tokens of the token to pay that are free; None before the wallet was read."""
        wallet = await self.get_state(WalletState)
        return wallet._available.get(self._pair[0], Decimal(0)) if wallet.loaded else None

    def _parsed(self, paid: Token, received: Token) -> Asked | None:
        """What the form asks: tokens, base units, slippage; None with `notice` set where it asks nothing usable."""
        self.slippage_warning = ""
        self.amiss = "slippage"
        try:
            slippage = fraction(plain(self.slippage or "0"))
            check_slippage(slippage)
            self.slippage_warning = slippage_warning(slippage)
            self.amiss = ""
            if not self.amount:
                return None
            self.amiss = "amount"
            amount = parse_amount(plain(self.amount), paid.decimals)
        except EngineError as error:
            self.notice = told(error)
            return None
        self.amiss = ""
        return paid.symbol, received.symbol, amount, slippage

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

    async def _recall(self) -> None:
        """Take in, once, how the person traded last as this browser remembers it; a token that is gone is forgotten."""
        if self._recalled:
            return
        self._recalled = True
        remembered = await self.get_state(PreferencesState)
        self.slippage = slippage_of(remembered.slippage) or self.slippage
        pair = pair_of(remembered.pair)
        if pair is None:
            return
        try:
            for token in pair:
                await services().token_lookup.find(token)
        except TOLD as error:
            if not may_pass(error):
                return
        self._pair = pair

    async def _remember(self) -> None:
        """Have the browser remember what the form is set to, as far as an order may have it."""
        remembered = await self.get_state(PreferencesState)
        remembered.pair = pair_text(self._pair)
        if is_slippage(self.slippage):
            remembered.slippage = self.slippage
