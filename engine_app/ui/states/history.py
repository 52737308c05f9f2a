"""The whole history of an account's orders: filtered as the page's address says, a page at a time, live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.orders.history import HistoryFilter
from engine_app.services import services
from engine_app.ui import sent
from engine_app.ui.history import (
    EVERYTHING,
    MOST_PAGES,
    UNSEEN,
    Choice,
    Known,
    belongs,
    choice_of,
    date_trouble,
    filter_of,
    is_news,
    page_of,
    query_of,
    remembering,
    with_update,
)
from engine_app.ui.links import explorer_of
from engine_app.ui.order_view import OrderRow, order_row
from engine_app.ui.places import ORDERS
from engine_app.ui.states import live
from engine_app.ui.states.session import SessionState, signed_in_only

PAGE_SIZE = 25


class HistoryState(SessionState):
    """One page of the orders that are wanted."""

    history: rx.Field[list[OrderRow]] = rx.field(default_factory=list)
    history_loaded: bool = False
    page: int = 0
    has_older: bool = False
    status: str = ""
    token: str = ""
    kind: str = ""
    since: str = ""
    placed_from: str = ""
    placed_before: str = ""
    date_troubles: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Why a date that was typed was not taken: `from`, `to`."""
    search: str = ""
    filtered: bool = False
    query: str = ""
    list_address: str = ORDERS
    """Of the page that was looked at last."""
    token_choices: rx.Field[list[str]] = rx.field(default_factory=list)

    _choice: Choice = EVERYTHING
    _on_the_way: tuple[tuple[Choice, int], ...] = ()
    """The choices and pages that the tab was sent to and has not come to yet, the last one last."""
    _wanted: HistoryFilter = HistoryFilter()
    _cursors: rx.Field[list[str]] = rx.field(default_factory=list)
    """Where each page after the first starts."""
    _known: rx.Field[Known] = rx.field(default_factory=dict)

    @rx.event(background=True)
    async def follow_history(self) -> AsyncIterator[Any]:
        """Show what the address asks for and keep it as new as the feed."""
        shown = live.Shown(self._read, self._take, arrive=self._arrive)
        async with aclosing(live.follow(self, shown)) as news:
            async for event in news:
                yield event

    @rx.event
    @signed_in_only
    async def narrow(self, _: Identity, name: str, value: str) -> Any:
        """Change one part of the choice, by changing the page's address."""
        latest = self._on_the_way[-1][0] if self._on_the_way else self._choice
        asked = {part.rstrip("_"): getattr(latest, part) for part in Choice.__slots__}
        if not isinstance(name, str) or name not in asked or not isinstance(value, str):
            return None
        asked[name] = sent.legible(value)
        trouble = date_trouble(asked, name) if name in ("from", "to") else ""
        self.date_troubles = {name: trouble} if trouble else {}
        return None if trouble else self._to(choice_of(asked, self._symbols()))

    @rx.event
    @signed_in_only
    async def widen(self, _: Identity) -> Any:
        """Take every filter off."""
        return self._to(EVERYTHING)

    @rx.event
    @signed_in_only
    async def older(self, identity: Identity) -> Any:
        """Turn to the next older page."""
        return await self._turn_to(identity, self.page + 1)

    @rx.event
    @signed_in_only
    async def newer(self, identity: Identity) -> Any:
        """Turn to the next newer page."""
        return await self._turn_to(identity, self.page - 1)

    async def _turn_to(self, identity: Identity, page: int) -> Any:
        """Show a page, and have the address say so: one comes back to it."""
        if not 0 <= page <= len(self._cursors):
            return None
        await self._load(identity, page)
        self.page = page
        if page >= MOST_PAGES or any(choice != self._choice for choice, _ in self._on_the_way):
            return None
        return self._to(self._choice, page)

    def _arrive(self) -> None:
        """Take in what the page's address asks for."""
        choice = choice_of(self.router.url.query_parameters, self._symbols())
        page = page_of(self.router.url.query_parameters)
        sent_to = [number for number, way in enumerate(self._on_the_way, 1) if way == (choice, page)]
        self._on_the_way = self._on_the_way[sent_to[-1] :] if sent_to else ()
        if self._on_the_way and choice == self._choice:
            # A later page is shown already: this one would only flash up.
            return
        if choice != self._choice:
            self.history, self.history_loaded = [], False
            self._cursors, self.has_older = [], False
        self._choice = choice
        self._wanted = filter_of(choice, datetime.now(UTC), services().tokens.mint)
        self.page = page
        self.list_address = f"{ORDERS}{query_of(choice, self.page)}"
        self.status, self.token, self.kind = choice.status, choice.token, choice.kind
        self.since, self.search = choice.since, choice.search
        self.placed_from, self.placed_before, self.date_troubles = choice.from_, choice.to, {}
        self.query, self.filtered = choice.query, choice != EVERYTHING
        self.token_choices = self._symbols()

    async def _read(self, identity: Identity) -> None:
        """Show what the database says now."""
        self._known = {}
        # A page starts where the one before it ends.
        for before in range(len(self._cursors), self.page):
            await self._load(identity, before)
            if not self.has_older:
                self.page = before
                break
        await self._load(identity, self.page)
        self.history_loaded = True

    async def _load(self, identity: Identity, page: int) -> None:
        cursor = self._cursors[page - 1] if page else None
        found = await services().orders.history(identity.user_id, PAGE_SIZE, cursor, self._wanted)
        orders, next_cursor = found["orders"], found["nextCursor"]
        self._known = remembering(self._known, orders)
        self.history = [order_row(order, explorer_of(order)) for order in orders]
        self.has_older = next_cursor is not None
        self._cursors = self._cursors[:page]
        if next_cursor is not None:
            self._cursors = [*self._cursors, next_cursor]

    async def _take(self, _: Identity, orders: Sequence[dict[str, Any]]) -> None:
        rows = list(self.history)
        for order in orders:
            order_id = str(order["orderId"])
            if not is_news(self._known.get(order_id, UNSEEN), order):
                continue
            self._known = remembering(self._known, [order])
            row = order_row(order, explorer_of(order))
            takes_new = self.page == 0 and belongs(self._choice, order)
            shown = with_update(rows, row, takes_new=takes_new, page_size=PAGE_SIZE)
            self.has_older = self.has_older or len(shown.rows) < shown.full_length
            rows = shown.rows
        if rows != self.history:
            self.history = rows

    @staticmethod
    def _symbols() -> list[str]:
        return [token.symbol for token in services().tokens.all()]

    def _to(self, choice: Choice, page: int = 0) -> Any:
        self._on_the_way = (*self._on_the_way, (choice, page))
        return rx.redirect(f"{ORDERS}{query_of(choice, page)}", replace=True)
