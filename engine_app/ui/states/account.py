"""The account itself: its sessions, API keys and security log."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import reflex as rx

from engine_app.accounts.errors import CommonPassword
from engine_app.accounts.scopes import Scope
from engine_app.accounts.service import Identity
from engine_app.services import services
from engine_app.ui import browser, sent
from engine_app.ui.account_view import (
    DAY_CHOICES,
    KeyRow,
    LogRow,
    SessionRow,
    key_row,
    log_row,
    missing_of_key,
    session_row,
)
from engine_app.ui.states.door import refusal
from engine_app.ui.states.session import SessionState, signed_in_form, signed_in_only
from engine_app.ui.words import TOLD, told

LOG_ROWS = 5
KNOWN_DAYS = frozenset(days for days, _ in DAY_CHOICES if days)
EVERYWHERE_DIALOG = "everywhere-dialog"
REVOKE_DIALOG = "revoke-dialog"
NEW_KEY = "new-key"
NEW_KEY_DIALOG = "new-key-dialog"
SECRET_DIALOG = "key-secret-dialog"  # noqa: S105 - an element's name
SECRET_FIELD = "key-secret"  # noqa: S105 - an element's name


class AccountState(SessionState):
    """What the account page shows. A key's secret is never in it: it goes to the browser once, by an errand."""

    sessions: rx.Field[list[SessionRow]] = rx.field(default_factory=list)
    keys: rx.Field[list[KeyRow]] = rx.field(default_factory=list)
    security_log: rx.Field[list[LogRow]] = rx.field(default_factory=list)
    account_loaded: bool = False
    password_problem: str = ""
    password_advice: str = ""
    key_problem: str = ""
    revoked_key: int = 0
    """The key that is about to be revoked."""
    revoked_name: str = ""
    key_wish: str = ""
    """What the form of a new key is sent with, until it has made one: sent twice, it makes no second key."""

    @rx.event
    @signed_in_only
    async def load_account(self, identity: Identity) -> Any:
        """Show the account, and what came of the form that led here."""
        await self._read(identity)
        asked = self.router.url.query_parameters
        self.password_problem, self.password_advice = refusal(asked.get("error", ""), asked.get("retry", ""))
        if asked.get("done") != "password":
            return None
        warned = refusal(CommonPassword.code, "")[0] if asked.get("warning") == CommonPassword.code else ""
        return browser.toast(
            "warning" if warned else "success",
            "Password changed",
            warned or "Every other session has ended. API keys stay as they are.",
            subject="password",
        )

    @rx.event
    @signed_in_only
    async def end_session(self, identity: Identity, session_id: int) -> Any:
        """End one of the account's sessions."""
        return await self._done(
            identity,
            lambda: services().upkeep.end_session(identity, sent.row_id(session_id), self._ip()),
            browser.toast("success", "Session ended", subject="session"),
        )

    @rx.event
    @signed_in_only
    async def ask_to_revoke(self, _: Identity, key_id: int) -> Any:
        """Ask whether one of the keys is really to be revoked."""
        for key in self.keys:
            if key.key_id == sent.row_id(key_id):
                self.revoked_key, self.revoked_name = key.key_id, key.name
                return browser.open_dialog(REVOKE_DIALOG)
        return None

    @rx.event
    @signed_in_only
    async def revoke_key(self, identity: Identity, key_id: int) -> Any:
        """Revoke one of the account's keys."""
        done = await self._done(
            identity,
            lambda: services().upkeep.revoke_key(identity, sent.row_id(key_id), self._ip()),
            browser.toast("success", "Key revoked", "It is refused from now on.", subject="key"),
        )
        return [browser.close_dialog(REVOKE_DIALOG), done, browser.keep_focus(NEW_KEY)]

    @rx.event
    @signed_in_only
    async def start_key(self, _: Identity) -> Any:
        """Open the dialog that makes a key."""
        self.key_problem = ""
        self.key_wish = uuid4().hex
        return browser.open_dialog(NEW_KEY_DIALOG)

    @rx.event
    @signed_in_form
    async def create_key(self, identity: Identity, asked: dict[str, str]) -> Any:
        """Make a key and tell it, this once."""
        if asked.get("wish", "") != self.key_wish:
            return None
        name, scopes = asked.get("name", ""), [scope for scope in Scope if asked.get(scope.value)]
        if missing := missing_of_key(name, scopes):
            self.key_problem = missing
            return None
        days = asked.get("days", "")
        try:
            made = await services().upkeep.create_key(
                identity,
                name=name,
                scopes=scopes,
                days=int(days) if days in KNOWN_DAYS else None,
                password=asked.get("password", ""),
                ip=self._ip(),
            )
        except TOLD as error:
            self.key_problem = told(error)
            return None
        self.key_problem = ""
        self.key_wish = uuid4().hex
        await self._read(identity)
        return [
            browser.close_dialog(NEW_KEY_DIALOG),
            browser.show_once(SECRET_FIELD, made.secret),
            browser.open_dialog(SECRET_DIALOG),
        ]

    async def _done(self, identity: Identity, act: Any, success: Any) -> Any:
        try:
            await act()
        except TOLD as error:
            success = browser.toast("error", "Nothing was changed", told(error), subject="account")
        await self._read(identity)
        return success

    async def _read(self, identity: Identity) -> None:
        upkeep = services().upkeep
        self.sessions = [session_row(opened, identity.session_id) for opened in await upkeep.sessions(identity)]
        self.keys = [key_row(key) for key in await upkeep.keys(identity)]
        decimals = {token.symbol: token.decimals for token in services().tokens.all()}
        log = await upkeep.security_log(identity, limit=LOG_ROWS)
        self.security_log = [log_row(record, decimals.get) for record in log]
        self.account_loaded = True
