"""The account's orders, live: the history table and the card of the newest order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from itertools import chain, repeat
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from engine_app.accounts.service import Identity
from engine_app.orders.view import OrderView
from engine_app.services import services
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import get_logger
from engine_app.ui import browser
from engine_app.ui.history import UNSEEN, Known, is_news, newest, seen, with_update
from engine_app.ui.links import explorer_of
from engine_app.ui.order_view import OrderProgress, OrderRow, order_progress, order_row
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.tabs import HEARTBEAT_SECONDS, bursts, is_connected

PAGE_SIZE = 12
FIRST_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

log = get_logger(__name__)


class OrdersState(SessionState):
    """One page of the history, and the newest order with its steps."""

    rows: rx.Field[list[OrderRow]] = rx.field(default_factory=list)
    progress: OrderProgress | None = None
    loaded: bool = False
    page: int = 0
    has_older: bool = False

    _cursors: rx.Field[list[str]] = rx.field(default_factory=list)
    """Where each page after the first starts."""
    _known: rx.Field[Known] = rx.field(default_factory=dict)
    _latest: rx.Field[dict[str, Any]] = rx.field(default_factory=dict)
    _events: rx.Field[list[dict[str, Any]]] = rx.field(default_factory=list)
    _turn: int = 0

    @rx.event(background=True)
    async def follow(self) -> AsyncIterator[Any]:
        """Show the orders and keep them as new as the feed: one follower a tab, until the tab or session ends.

        Where the database does not answer, the tab says so and all is read again once it does.
        """
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        pauses = _pauses()
        while self._turn == turn and is_connected(client_token):
            try:
                async with self:
                    identity = await self._identity()
                    if identity is not None:
                        self._welcome(identity)
                if identity is None:
                    yield browser.to_login()
                    return
                async with aclosing(self._followed(identity, turn, client_token)) as news:
                    async for event in news:
                        yield event
                return
            except DATABASE_AWAY as error:
                log.warning("page.database_away", error=type(error).__name__)
            async with self:
                if not self.database_away:
                    pauses = _pauses()
                self.database_away = True
            await asyncio.sleep(next(pauses))

    async def _followed(self, identity: Identity, turn: int, client_token: str) -> AsyncGenerator[Any]:
        """What the page is to do about the news, until another follower takes over or the tab or session ends."""
        loop = asyncio.get_running_loop()
        checked = loop.time()
        watching = services().endings.watch(identity)
        async with watching as ended_session, services().feed.follow(identity.user_id) as updates:
            await self._read(identity)
            async for burst in bursts(updates, until=ended_session):
                if not is_connected(client_token):
                    return
                if any(update is None for update in burst):
                    await self._read(identity)
                async with self:
                    if self._turn != turn:
                        return
                    if loop.time() - checked > HEARTBEAT_SECONDS:
                        if await self._identity() is None:
                            yield browser.to_login()
                            return
                        checked = loop.time()
                    ended = [update.order for update in burst if update is not None and self._take(update.order)]
                for order in ended:
                    yield _told(order_row(order, explorer_of(order)))
                if ended:
                    yield WalletState.load
            yield browser.to_login()

    @rx.event
    @signed_in_only
    async def older(self, identity: Identity) -> Any:
        """Turn to the next older page."""
        await self._turn_to(identity, self.page + 1)

    @rx.event
    @signed_in_only
    async def newer(self, identity: Identity) -> Any:
        """Turn to the next newer page."""
        await self._turn_to(identity, self.page - 1)

    async def _turn_to(self, identity: Identity, page: int) -> None:
        if 0 <= page <= len(self._cursors):
            await self._load_page(identity, page)
            self.page = page

    async def _read(self, identity: Identity) -> None:
        """Show what the database says now."""
        async with self:
            self._known = {}
            await self._load_page(identity, self.page)
            await self._load_progress(identity)
            self.loaded = True
            self.database_away = False

    async def _load_page(self, identity: Identity, page: int) -> None:
        cursor = self._cursors[page - 1] if page else None
        found = await services().orders.history(identity.user_id, PAGE_SIZE, cursor)
        orders = [order.model_dump(by_alias=True) for order in found.orders]
        self._known |= {str(order["orderId"]): seen(order) for order in orders}
        self.rows = [order_row(order, explorer_of(order)) for order in orders]
        self.has_older = found.next_cursor is not None
        self._cursors = self._cursors[:page]
        if found.next_cursor is not None:
            self._cursors = [*self._cursors, found.next_cursor]

    async def _load_progress(self, identity: Identity) -> None:
        first = (await services().orders.history(identity.user_id, 1)).orders
        if not first:
            return
        detail = await services().orders.get(identity.user_id, first[0].order_id)
        self._latest = detail.model_dump(by_alias=True)
        self._events = list(self._latest["events"])
        self._show_progress()

    def _placed(self, order: OrderView) -> None:
        """Show an order that this tab just placed, without waiting for the feed."""
        self._take(order.model_dump(by_alias=True))

    def _take(self, order: dict[str, Any]) -> bool:
        """Take in one state of an order; whether it ended the order just now."""
        order_id = str(order["orderId"])
        before = self._known.get(order_id, UNSEEN)
        if not is_news(before, order):
            return False
        self._known = {**self._known, order_id: seen(order)}
        row = order_row(order, explorer_of(order))
        shown = with_update(list(self.rows), row, first_page=self.page == 0, page_size=PAGE_SIZE)
        self.has_older = self.has_older or len(shown.rows) < shown.full_length
        self.rows = shown.rows
        if newest(self._latest, order):
            if str(self._latest.get("orderId", "")) != order_id:
                self._events = []
            self._latest = order
            if order["seq"] > before.seq:
                self._events = [*self._events, {"status": order["status"], "at": order["updatedAt"]}]
            self._show_progress()
        return before.open and not row.open

    def _show_progress(self) -> None:
        self.progress = order_progress(self._latest, self._events, explorer_of(self._latest))


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further try."""
    return chain(FIRST_PAUSES, repeat(FIRST_PAUSES[-1]))


def _told(row: OrderRow) -> EventSpec:
    """The toast that says how an order ended; one per order, whatever is delivered twice."""
    name = "Swap" if row.kind == "swap" else "Withdrawal"
    if row.status == "confirmed":
        return browser.toast("success", f"{name} confirmed", f"{row.paid} → {row.target}", subject=row.order_id)
    return browser.toast("error", f"{name} failed", f"{row.paid} → {row.token_out}", subject=row.order_id)
