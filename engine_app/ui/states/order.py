"""One order in full, live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.orders.errors import OrderNotFound
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.history import is_news, seen
from engine_app.ui.links import explorer_of_transaction
from engine_app.ui.order_page import OrderPage, order_page
from engine_app.ui.order_view import headline
from engine_app.ui.places import order_in
from engine_app.ui.routing_view import Unit
from engine_app.ui.states import live
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.words import TOLD, told


class OrderState(SessionState):
    """The order that the page's address names."""

    shown: OrderPage | None = None
    missing: bool = False
    shown_at: str = ""
    """The path whose order is shown, or is missing."""
    order_headline: str = ""

    _order_id: UUID | None = None
    _detail: rx.Field[dict[str, Any]] = rx.field(default_factory=dict)

    @rx.event(background=True)
    async def follow_order(self) -> AsyncIterator[Any]:
        """Show the order and keep it as new as the feed."""
        shown = live.Shown(self._read, self._take, arrive=self._arrive)
        async with aclosing(live.follow(self, shown)) as news:
            async for event in news:
                yield event

    @rx.event
    @signed_in_only
    async def cancel(self, identity: Identity) -> Any:
        """Ask that nothing more be signed for the order."""
        if self._order_id is None:
            return None
        try:
            order = await services().orders.cancel(identity.user_id, self._order_id)
        except TOLD as error:
            return browser.toast("error", "Not cancelled", told(error), subject=str(self._order_id))
        await self._read(identity)
        if order.status in ("confirmed", "failed"):
            return None
        return browser.toast("loading", "Cancelling …", "Nothing more is signed.", subject=str(self._order_id))

    def _arrive(self) -> None:
        """Take in which order the page's address names."""
        order_id = order_in(self.router.url.path)
        if order_id != self._order_id:
            self.shown, self._detail, self.order_headline = None, {}, ""
        self._order_id, self.missing = order_id, order_id is None
        self.shown_at = str(self.router.url.path)

    async def _read(self, identity: Identity) -> None:
        """Show what the database says now."""
        if self._order_id is None:
            return
        try:
            detail = await services().orders.get(identity.user_id, self._order_id)
        except OrderNotFound:
            self.missing = True
            return
        self._detail = detail.model_dump(by_alias=True)
        self._show()

    async def _take(self, identity: Identity, orders: Sequence[dict[str, Any]]) -> None:
        """A later state is read in full: its tries and the moments of its events are in the database alone. What only
        counts down is shown as it is told."""
        ours = [order for order in orders if str(order["orderId"]) == str(self._order_id)]
        if not self._detail or not ours or not is_news(seen(self._detail), ours[-1]):
            return
        if ours[-1]["seq"] > self._detail["seq"]:
            await self._read(identity)
        else:
            self._detail = self._detail | {"waitingFor": ours[-1]["waitingFor"]}
            self._show()

    def _show(self) -> None:
        units = {str(token.mint): Unit(token.symbol, token.decimals) for token in services().tokens.all()}
        self.shown = order_page(self._detail, units, explorer_of_transaction)
        self.order_headline = headline(self.shown.progress.row)
