"""What moved in and out of the wallet, while the wallet page shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import reflex as rx

from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.activity import ActivityRow, activity_rows
from engine_app.ui.links import explorer_of_transaction
from engine_app.ui.places import WALLET
from engine_app.ui.states.session import SessionState
from engine_app.ui.words import TOLD, told

ROWS = 25
DEPOSITS = 15


class ActivityState(SessionState):
    """The newest movements."""

    activity: rx.Field[list[ActivityRow]] = rx.field(default_factory=list)
    activity_loaded: bool = False
    activity_trouble: str = ""

    _turn: int = 0
    _shown: int = 0
    """The turn whose list is shown: one that was read before it and ends after it is left out."""

    @rx.event(background=True)
    async def show_activity(self) -> AsyncIterator[Any]:
        """Read the list where the tab shows the wallet page."""
        async with self:
            turn = self._turn = self._turn + 1
            identity = await self._identity()
            here = self.router.url.path.startswith(WALLET)
        if identity is None:
            yield browser.to_login()
        if identity is None or not here:
            return
        try:
            deposits, history = await asyncio.gather(
                services().deposits.recent(identity.user_id, DEPOSITS),
                services().orders.history(identity.user_id, ROWS),
            )
        except TOLD as error:
            async with self:
                self.activity_trouble = told(error)
            return
        async with self:
            if self._shown < turn:
                self._shown = turn
                self.activity = activity_rows(deposits, history["orders"], explorer_of_transaction, ROWS)
                self.activity_loaded = True
                self.activity_trouble = ""
