"""The order form: what to swap, both venues' quotes as one types, and placing the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
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
from engine_app.ui.quote_view import Cost, Quote, cost_rows, impact_allowed, quote_card, slippage_warning
from engine_app.ui.route_view import left_over, route_legs, worth_by
from engine_app.ui.size_view import SizeChart, size_chart
from engine_app.ui.spending import GRACE_SECONDS, QUOTE_SECONDS, SHARES, falls_short, is_stale, share, wish_key
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_choice import TokenChoice, token_choice, token_label
from engine_app.ui.words import TOLD, told

QUOTES_UNTIL_PAUSE = 60
LONGEST_INPUT = 40

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
    short: bool = False
    notice: str = ""
    confirmation: str = ""

    _pair: tuple[str, str] = PAIR_AT_FIRST
    """Symbols, or mints of tokens that are not listed."""
    _turn: int = 0
    _expected: str = ""
    """The shown quote's output in whole tokens, exactly."""
    _impact: Decimal = Decimal(0)
    _quoted_at: float = 0.0
    """The event loop's clock when the shown quote came."""
    _wish: str = ""
    """Names one wish to swap: whatever asks for it again is answered with the same order."""

    @rx.event
    @signed_in_only
    async def set_amount(self, _: Identity, text: str) -> Any:
        """Take what was typed as the amount to pay."""
        self.amount = _typed(text)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def flip(self, _: Identity) -> Any:
        """Swap the sides."""
        self._pair = self._pair[::-1]
        self.paid, self.received = self.received, self.paid
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
                self.notice = told(error)
                return None
            available = await self._available() or Decimal(0)
            self.amount = number(share(available, divisor, token=token.symbol, decimals=token.decimals))
        return await self._asked()

    @rx.event
    @signed_in_only
    async def set_slippage(self, _: Identity, text: str) -> Any:
        """Set the slippage, in percent as it is typed."""
        self.slippage = _typed(text)
        return await self._asked()

    @rx.event
    @signed_in_only
    async def confirm(self, _: Identity, text: str) -> None:
        """Take what was typed to confirm a high price impact."""
        self.confirmation = _typed(text)

    @rx.event(background=True)
    async def requote(self) -> AsyncIterator[Any]:
        """Quote what the form asks, again every few seconds while it and the tab stay."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        try:
            for _ in range(QUOTES_UNTIL_PAUSE):
                try:
                    async with self:
                        if self._turn != turn:
                            return
                        identity = await self._identity()
                        if identity is None:
                            yield browser.to_login()
                            return
                        self.paused = False
                        pair = await self._named()
                        asked = self._parsed(*pair)
                    if asked is None:
                        return
                    view = await self._quoted(asked, turn)
                except TOLD as error:
                    async with self:
                        if self._turn == turn:
                            self._without_quote(told(error))
                else:
                    async with self:
                        if self._turn == turn:
                            self._show(view)
                    await self._show_rest(view, turn)
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
        """Place the order that is shown, or ask for the typed confirmation that its price impact needs.

        `key` names the quote that the person saw: no other is placed.
        """
        if (refusal := self._refusal(key)) is not None:
            return refusal
        if self.quote.risky:
            self.confirmation = ""
            return browser.open_dialog(IMPACT_DIALOG)
        return await self._place(identity, None)

    @rx.event
    @signed_in_only
    async def place_despite(self, identity: Identity, key: str) -> Any:
        """Place the order that is shown although its price impact is high, once the confirmation was typed."""
        if (refusal := self._refusal(key)) is not None:
            return refusal
        if self.confirmation.upper() != CONFIRMATION:
            return None
        placed = await self._place(identity, impact_allowed(self._impact))
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
                    slippage=_fraction(self.slippage),
                    expected_quote=self._expected,
                    max_price_impact=max_price_impact,
                ),
                key=wish_key(self._wish, shown.key),
            )
        except TOLD as error:
            self.quote = shown
            self.notice = told(error)
            return []
        self.amount = ""
        self.confirmation = ""
        self._turn += 1
        self._wish = uuid4().hex
        self._without_quote("")
        orders = await self.get_state(OrdersState)
        orders._placed(order)
        return [browser.scroll_to("progress")]

    def _refusal(self, key: str) -> list[Any] | None:
        """What is to be done where the quote of this key cannot be ordered, said at the form where it is not plain to
        see; None where it can."""
        if not self.quote.key or self.short:
            return []
        if key != self.quote.key:
            self.notice = "The price was updated just now. Look at it and press again."
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
        try:
            asked = self._parsed(*await self._named())
        except TOLD as error:
            self._without_quote(told(error))
            return []
        if asked is None:
            self._without_quote(self.notice)
            return []
        self.short = falls_short(Decimal(self.amount), await self._available())
        self.quote = replace(self.quote, key="", too_large="")
        self.quoting = True
        return [SwapState.requote]

    async def _available(self) -> Decimal | None:
        """Whole tokens of the token to pay that are free; None before the wallet was read."""
        wallet = await self.get_state(WalletState)
        return wallet._available.get(self._pair[0], Decimal(0)) if wallet.loaded else None

    def _parsed(self, paid: Token, received: Token) -> tuple[str, str, int, Decimal] | None:
        """What the form asks: tokens, base units, slippage; None with `notice` set where it asks nothing usable."""
        try:
            slippage = _fraction(self.slippage)
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
        paid, received = view.token_in, view.token_out
        amount_out = whole(view.amount_out, received.decimals)
        decision = view.decision.as_json(paid.decimals, received.decimals)
        worth = worth_by((*services().tokens.all(), paid, received))
        self.quote = quote_card(
            token_in=token_label(paid),
            token_out=token_label(received),
            amount_in=whole(view.amount_in, paid.decimals),
            amount_out=amount_out,
            min_out=whole(view.min_out, received.decimals),
            dex_quotes=view.dex_quotes,
            selected_dex=view.selected_dex,
            price_impact=view.price_impact,
            max_price_impact=services().settings.default_max_price_impact,
            slot=view.slot,
            rate=view.price,
            age_slots=view.age.slots,
            legs=route_legs(decision, worth),
            left_over=left_over(decision, worth),
        )
        self._expected = number(amount_out)
        self._impact = view.price_impact
        self._quoted_at = asyncio.get_running_loop().time()
        self.ring += 1
        self.notice = ""
        self.quoting = False

    async def _show_rest(self, view: QuoteView, turn: int) -> None:
        """What is known a little later than the quote: fees, rents, and what other sizes would pay."""
        async with self:
            accounts = (await self.get_state(WalletState))._accounts
        pools = [Pubkey.from_string(leg.pool) for leg in self.quote.legs]
        try:
            costs = await services().costs.of(_mints(view), pools, accounts)
        except TOLD:
            costs = None
        by_size = await asyncio.to_thread(view.by_size)
        async with self:
            if self._turn == turn:
                self.costs = [] if costs is None else cost_rows(costs, token_label(view.token_out))
                self.sizes = size_chart(by_size, view.token_in, view.token_out, view.amount_in)

    def _without_quote(self, notice: str) -> None:
        self.quote = Quote()
        self.costs = []
        self.sizes = SizeChart()
        self.quoting = False
        self.short = False
        self._expected = ""
        self.notice = notice


def _mints(view: QuoteView) -> list[Pubkey]:
    """What the route pays and then receives, each once."""
    return list(dict.fromkeys(mint for leg in view.route.legs for mint in (leg.mint_in, leg.mint_out)))


def _typed(text: object) -> str:
    """What a person typed into a number field, without spaces and at most as long as a number can be."""
    return str(text).replace(" ", "").replace("\u00a0", "")[:LONGEST_INPUT]


def _fraction(percent: str) -> Decimal:
    """A percentage in words of the form as a fraction; NaN where it is no number, which the check refuses."""
    try:
        return Decimal(percent) / 100
    except InvalidOperation:
        return Decimal("NaN")
