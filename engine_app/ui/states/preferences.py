"""What the browser remembers, over reloads, tabs and restarts of the server. It is the browser's, not the account's."""

from __future__ import annotations

import reflex as rx

from engine_app.accounts.service import Identity
from engine_app.ui.states.session import SessionState, signed_in_only

SHORTCUTS = "shortcuts"
OFF = "off"


class PreferencesState(SessionState):
    """Texts that the browser keeps. What reads them checks them: a browser may send anything."""

    pair: str = rx.LocalStorage("", name="pair")
    slippage: str = rx.LocalStorage("", name="slippage")
    shortcuts: str = rx.LocalStorage("", name=SHORTCUTS)
    """`off` where single keys are to do nothing."""

    @rx.event
    @signed_in_only
    async def set_shortcuts(self, _: Identity, wanted: str) -> None:
        """Turn the keys of the page `on` or `off`."""
        self.shortcuts = OFF if wanted == OFF else ""
