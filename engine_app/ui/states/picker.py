"""The dialog in which a token is chosen."""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.ui import browser, sent
from engine_app.ui.lookups import find_token, search_tokens
from engine_app.ui.states.session import SessionState, signed_in_only
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.token_choice import TokenChoice, token_choice
from engine_app.ui.words import TOLD, told

PICKER = "token-picker"
LONGEST_SEARCH = 100


class PickerState(SessionState):
    """What was searched for, and what was found."""

    side: Literal["in", "out"] = "in"
    text: str = ""
    found: rx.Field[list[TokenChoice]] = rx.field(default_factory=list)
    trouble: str = ""

    @rx.event
    @signed_in_only
    async def open(self, identity: Identity, side: str) -> Any:
        """Choose the token to pay (`in`) or to receive (`out`)."""
        self.side = "out" if side == "out" else "in"
        await self._search(identity, "")
        return browser.open_dialog(PICKER)

    @rx.event
    @signed_in_only
    async def search(self, identity: Identity, text: str) -> None:
        """Find tokens by symbol, name or mint."""
        await self._search(identity, text)

    @rx.event
    @signed_in_only
    async def take_first(self, identity: Identity, text: str) -> Any:
        """Take what fits best of what is searched for."""
        await self._search(identity, text)
        return await self._take(identity, self.found[0].token) if self.found else None

    @rx.event
    @signed_in_only
    async def take(self, identity: Identity, token: str) -> Any:
        """Take a token, by its symbol or mint."""
        return await self._take(identity, sent.legible(token))

    async def _search(self, identity: Identity, text: object) -> None:
        self.text = sent.legible(text)[:LONGEST_SEARCH]
        self.trouble = ""
        wallet = await self.get_state(WalletState)
        try:
            found = await search_tokens(identity, self.text)
        except TOLD as error:
            self.found, self.trouble = [], told(error)
            return
        self.found = [token_choice(token, wallet._available) for token in found]

    async def _take(self, identity: Identity, name: str) -> Any:
        try:
            token = await find_token(identity, name)
        except TOLD as error:
            self.trouble = told(error)
            return None
        swap = await self.get_state(SwapState)
        return [browser.close_dialog(PICKER), *await swap._choose(self.side, token)]
