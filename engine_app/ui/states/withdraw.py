"""The forms that send funds away and keep the addresses they may go to. Passwords pass through and are never kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.markets.errors import InvalidAmount
from engine_app.markets.tokens import whole
from engine_app.orders.address_book import LONGEST_LABEL, KnownAddress
from engine_app.orders.models import OPEN_STATUSES
from engine_app.orders.service import PlaceTransfer
from engine_app.orders.transfers import MAX, emptying_cost
from engine_app.services import services
from engine_app.ui import browser, sent
from engine_app.ui.figures import amount, in_full, shortened
from engine_app.ui.form_checks import plain
from engine_app.ui.form_numbers import typed
from engine_app.ui.spending import falls_short, not_enough, wish_key
from engine_app.ui.states.activity import ActivityState
from engine_app.ui.states.session import SessionState, signed_in_form, signed_in_only
from engine_app.ui.token_choice import short_name
from engine_app.ui.words import TOLD, told
from engine_app.wallets.balances import SOL_DECIMALS, Balance

FORGET_DIALOG = "forget-dialog"
PASSWORD = "withdraw-password"  # noqa: S105 - the field's id
BOOK_PASSWORD = "book-password"  # noqa: S105 - the field's id


@dataclass(frozen=True)
class BookRow:
    """An address of the book. `usable_at` is when it may be used, as ISO 8601; empty where it may now."""

    address: str
    address_short: str
    label: str
    usable_at: str


class WithdrawState(SessionState):
    """What is to be sent, and the address book."""

    what: str = "SOL"
    """The token to send; once the wallet was read, always one that it holds."""
    how_much: str = ""
    to: str = ""
    refusal: str = ""
    book: rx.Field[list[BookRow]] = rx.field(default_factory=list)
    book_waits: str = ""
    """How long a new address waits; empty where it does not."""
    book_refusal: str = ""

    forgotten: str = ""
    """The address that is about to be removed from the book."""
    forgotten_name: str = ""
    wish: str = rx.SessionStorage("", name="withdrawal")
    """What the form is sent with, until it has placed something: sent twice, it places the same. The tab keeps it, so
    that this holds for what a web process accepted and died before it could say so."""

    _placed: str = ""
    """The idempotency key of what was placed last."""
    _held: tuple[Balance, ...] = ()
    """What the page shows of the wallet; empty before it was read."""

    @rx.var
    def everything(self) -> str:
        """How much the form sends where it is set to send everything, in words; else empty, or where nobody knows."""
        held = self._holding(self.what)
        if self.how_much != MAX or held is None:
            return ""
        kept = whole(emptying_cost(services().settings), SOL_DECIMALS) if held.token == "SOL" else 0  # noqa: S105
        label = short_name(held.token, held.mint)
        sends = f"Sends {in_full(max(held.available - kept, Decimal(0)))} {label}"
        return f"{sends} and leaves the fee." if kept else f"{sends}."

    @rx.event
    @signed_in_only
    async def show_book(self, identity: Identity) -> None:
        """Read the address book."""
        self.wish = self.wish or uuid4().hex
        await self._read_book(identity)

    @rx.event
    @signed_in_only
    async def set_what(self, _: Identity, token: str) -> None:
        """Choose the token to send."""
        self.what = sent.text(token)
        self.refusal = ""

    @rx.event
    @signed_in_only
    async def set_how_much(self, _: Identity, text: str) -> None:
        """Take what was typed as the amount."""
        self.how_much = typed(text)
        self.refusal = ""

    @rx.event
    @signed_in_only
    async def send_all(self, _: Identity) -> None:
        """Send everything."""
        self.how_much = MAX
        self.refusal = ""

    @rx.event
    @signed_in_only
    async def set_to(self, _: Identity, text: str) -> None:
        """Take what was typed, or chosen from the book, as the address."""
        self.to = sent.text(text)
        self.refusal = ""

    @rx.event
    @signed_in_form
    async def send(self, identity: Identity, asked: dict[str, str]) -> Any:
        """Place the withdrawal that the form asks for."""
        how_much, to = typed(asked.get("amount", "")), sent.text(asked.get("address", ""))
        token, wish = sent.text(asked.get("token", "")), sent.text(asked.get("wish", ""))
        if not wish or token != self.what:
            self.wish = self.wish or uuid4().hex
            self.refusal = "The form was renewed just now, and nothing was sent. Look at it and press again."
            return browser.clear(PASSWORD)
        wanted = PlaceTransfer(token=token, amount=how_much, address=to)
        key = wish_key(wish, f"{token}|{how_much}|{to}")
        if key == self._placed:
            self.wish = uuid4().hex
            return None
        try:
            asked_for = plain(how_much) if how_much != MAX else None
            if asked_for is not None and await services().orders.earlier(identity.user_id, wanted, key) is None:
                self._require_held(token, Decimal(asked_for))
            order = await services().withdrawals.request(
                identity.user_id, wanted, password=asked.get("password", ""), ip=self._ip(), key=key
            )
        except TOLD as error:
            self.refusal = told(error)
            return browser.clear(PASSWORD)
        self.how_much = self.to = self.refusal = ""
        self.wish, self._placed = uuid4().hex, key
        if order.status in OPEN_STATUSES:
            self._under_way |= {order.order_id}
        subject = str(order.order_id)
        held = self._holding(token)
        label = token if held is None else short_name(held.token, held.mint)
        sends = f"{amount(order.amount_in)} {label} to {shortened(to, 6, 6)}"
        accepted = browser.toast("info", "Withdrawal accepted", sends, subject=subject)
        return [browser.clear(PASSWORD), accepted, ActivityState.show_activity]

    @rx.event
    @signed_in_form
    async def remember(self, identity: Identity, asked: dict[str, str]) -> Any:
        """Put an address into the book."""
        label = sent.text(asked.get("label", ""), LONGEST_LABEL)
        if not label.isprintable():
            self.book_refusal = "The name has characters that cannot be seen. Type it anew."
            return browser.clear(BOOK_PASSWORD)
        try:
            await services().address_book.add(
                identity.user_id,
                sent.text(asked.get("address", "")),
                label=label,
                password=asked.get("password", ""),
                ip=self._ip(),
            )
        except TOLD as error:
            self.book_refusal = told(error)
            return browser.clear(BOOK_PASSWORD)
        await self._read_book(identity)
        return [browser.clear(name) for name in (BOOK_PASSWORD, "book-address", "book-label")]

    @rx.event
    @signed_in_only
    async def ask_to_forget(self, _: Identity, address: str) -> Any:
        """Ask whether an address is really to be taken out of the book."""
        for row in self.book:
            if row.address == address:
                self.forgotten, self.forgotten_name = row.address, row.label or row.address_short
                return browser.open_dialog(FORGET_DIALOG)
        return None

    @rx.event
    @signed_in_only
    async def forget(self, identity: Identity, address: str) -> Any:
        """Take an address out of the book."""
        try:
            await services().address_book.remove(identity.user_id, sent.text(address), ip=self._ip())
            await self._read_book(identity)
        except TOLD as error:
            self.book_refusal = told(error)
        return browser.close_dialog(FORGET_DIALOG)

    def _offer(self, held: tuple[Balance, ...]) -> None:
        """Take in what the wallet holds. Where it no longer holds the token that was chosen, the form shows the first
        that it has: an amount that was typed was one of the other."""
        self._held = held
        if self._holding(self.what) is None:
            self.what, self.how_much, self.refusal = held[0].token, "", ""

    def _holding(self, token: str) -> Balance | None:
        return next((balance for balance in self._held if balance.token == token), None)

    def _require_held(self, token: str, asked: Decimal) -> None:
        """Raise InvalidAmount, for people, where this is more than the page shows as free."""
        held = self._holding(token)
        if held is not None and falls_short(asked, held.available):
            raise InvalidAmount(not_enough(short_name(held.token, held.mint), held.available))

    async def _read_book(self, identity: Identity) -> None:
        known = await services().address_book.addresses(identity.user_id)
        self.book = [_row(address) for address in known]
        wait = services().settings.withdraw_address_wait
        self.book_waits = f"{wait.total_seconds() / 3600:g} hours" if wait else ""
        self.book_refusal = ""


def _row(known: KnownAddress) -> BookRow:
    return BookRow(
        address=known.address,
        address_short=shortened(known.address, 6, 6),
        label=known.label,
        usable_at="" if known.usable else known.usable_at.isoformat(),
    )
