"""Who is logged in, as the server finds it anew in every handler."""

from __future__ import annotations

import reflex as rx
from reflex.event import EventSpec

from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.service import Identity
from engine_app.services import services
from engine_app.ui.cookies import session_token

CLUSTER_LABELS = {"localnet": "Local chain", "devnet": "Devnet", "mainnet-beta": "Mainnet"}


class SessionState(rx.State):
    """The account of the tab. States that show something of an account derive from it."""

    username: str = ""
    signed_in: bool = False
    cluster: str = ""
    cluster_label: str = ""

    _belongs_to: str = ""
    """The session token whose data the tab's state holds."""

    async def _identity(self) -> Identity | None:
        """Who asks, checked on the server at every call; None where the cookie is missing or not valid."""
        token = session_token(self.router_data)
        if not token:
            return None
        try:
            return await services().accounts.authenticate(token)
        except Unauthorized:
            return None

    def _welcome(self, identity: Identity) -> None:
        cluster = services().settings.solana_cluster
        self.username = identity.username
        self.signed_in = True
        self.cluster = cluster
        self.cluster_label = CLUSTER_LABELS[cluster]


def to_login() -> EventSpec:
    """Leave for the log-in page by a full load, which gives the socket the cookies of then."""
    return rx.call_script("window.location.assign('/login')")
