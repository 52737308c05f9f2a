"""The account's latest orders, live: a few rows, and the card of the newest one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.orders.view import OrderView
from engine_app.services import services
from engine_app.ui.history import UNSEEN, Known, is_news, newest, remembering, with_update
from engine_app.ui.links import explorer_of
from engine_app.ui.order_view import OrderProgress, OrderRow, headline, order_progress, order_row
from engine_app.ui.states import live
from engine_app.ui.states.session import SessionState
from engine_app.ui.states.wallet import WalletState

LATEST = 5
"""Rows of the card."""


class OrdersState(SessionState):
    """The latest orders, and the newest one with its steps."""

    rows: rx.Field[list[OrderRow]] = rx.field(default_factory=list)
    progress: OrderProgress | None = None
    loaded: bool = False
    headline: str = ""
    """What the tab's title says of the newest order; empty where it ended before the tab looked."""

    _known: rx.Field[Known] = rx.field(default_factory=dict)
    _latest: rx.Field[dict[str, Any]] = rx.field(default_factory=dict)
    _events: rx.Field[list[dict[str, Any]]] = rx.field(default_factory=list)

    @rx.event(background=True)
    async def follow(self) -> AsyncIterator[Any]:
        """Show the orders and keep them as new as the feed."""
        shown = live.Shown(self._read, self._take_all, after=(WalletState.load,))
        async with aclosing(live.follow(self, shown)) as news:
            async for event in news:
                yield event

    async def _read(self, identity: Identity) -> None:
        """Show what the database says now."""
        orders = (await services().orders.history(identity.user_id, LATEST))["orders"]
        self._known = remembering({}, orders)
        self.rows = [order_row(order, explorer_of(order)) for order in orders]
        if orders:
            detail = await services().orders.get(identity.user_id, orders[0]["orderId"])
            self._latest = detail.model_dump(by_alias=True)
            self._events = list(self._latest["events"])
            self._show_progress()
        self.loaded = True

    def _placed(self, order: OrderView) -> None:
        """Show an order that this tab just placed, without waiting for the feed."""
        self._under_way |= {order.order_id}
        self._take(order.model_dump(by_alias=True))

    async def _take_all(self, _: Identity, orders: Sequence[dict[str, Any]]) -> None:
        for order in orders:
            self._take(order)

    def _take(self, order: dict[str, Any]) -> None:
        """Take in one state of an order."""
        order_id = str(order["orderId"])
        before = self._known.get(order_id, UNSEEN)
        if not is_news(before, order):
            return
        self._known = remembering(self._known, [order])
        row = order_row(order, explorer_of(order))
        self.rows = with_update(list(self.rows), row, takes_new=True, page_size=LATEST).rows
        if newest(self._latest, order):
            if str(self._latest.get("orderId", "")) != order_id:
                self._events = []
            self._latest = order
            if order["seq"] > before.seq:
                self._events = [*self._events, {"status": order["status"], "at": order["updatedAt"]}]
            self._show_progress()

    def _show_progress(self) -> None:
        self.progress = order_progress(self._latest, self._events, explorer_of(self._latest))
        if self.progress.row.open or self.headline:
            self.headline = headline(self.progress.row)
