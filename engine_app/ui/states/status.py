"""How the engine does, read anew every few seconds while a tab shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from engine_app.services import services
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.ui import browser
from engine_app.ui.places import STATUS
from engine_app.ui.states.session import SessionState
from engine_app.ui.status_view import StatusBoard, status_board
from engine_app.ui.tabs import is_connected

READ_SECONDS = 2.0


class StatusState(SessionState):
    """The board of the status page."""

    board: StatusBoard = StatusBoard()
    board_loaded: bool = False

    _turn: int = 0

    @rx.event(background=True)
    async def watch(self) -> AsyncIterator[Any]:
        """Show the report and keep it fresh until the tab ends or shows another page."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        while True:
            async with self:
                if self._turn != turn:
                    return
                if not await self._may_look():
                    yield browser.to_login()
                    return
            report = await services().readiness.report()
            async with self:
                self.board = status_board(report, datetime.now(UTC))
                self.board_loaded = True
            await asyncio.sleep(READ_SECONDS)
            async with self:
                left = not self.router.url.path.startswith(STATUS)
            if left or not is_connected(client_token):
                return

    async def _may_look(self) -> bool:
        """Whether the tab has a session; one that had keeps the board while the database cannot tell."""
        try:
            return await self._identity() is not None
        except DATABASE_AWAY:
            return self.board_loaded
