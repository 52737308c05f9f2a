"""The account's orders, live: the history table and the card of the newest order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.orders.view import OrderView
from engine_app.services import services
from engine_app.ui.history import UNSEEN, Known, is_news, newest, seen, with_update
from engine_app.ui.links import explorer_of
from engine_app.ui.order_view import OrderProgress, OrderRow, order_progress, order_row
from engine_app.ui.states import live
from engine_app.ui.states.session import SessionState, signed_in_only

PAGE_SIZE = 12


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

    @rx.event(background=True)
    async def follow(self) -> AsyncIterator[Any]:
        """Show the orders and keep them as new as the feed."""
        async with aclosing(live.follow(self, live.Shown(self._read, self._take_all))) as news:
            async for event in news:
                yield event

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
        self._known = {}
        await self._load_page(identity, self.page)
        await self._load_progress(identity)
        self.loaded = True

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

    async def _take_all(self, _: Identity, orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take in news; the orders that they ended just now."""
        return [order for order in orders if self._take(order)]

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
