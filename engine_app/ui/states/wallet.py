"""The account's wallet: address, balances, test funds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import reflex as rx

from engine_app.exact_json import number
from engine_app.services import services
from engine_app.ui import browser
from engine_app.ui.figures import amount, shortened
from engine_app.ui.states.session import SessionState
from engine_app.ui.tabs import is_connected
from engine_app.ui.token_marks import token_icon
from engine_app.ui.words import TOLD, told
from engine_app.wallets.balances import WalletView
from engine_app.wallets.faucet import has_faucet

RETRY_SECONDS = 3.0


@dataclass(frozen=True)
class BalanceRow:
    """One token of the wallet. `reserved` is empty where open orders hold nothing of it."""

    token: str
    icon: str
    amount: str
    exact: str
    reserved: str


class WalletState(SessionState):
    """Address and balances as the chain last told."""

    address: str = ""
    address_short: str = ""
    balances: rx.Field[list[BalanceRow]] = rx.field(default_factory=list)
    available: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    loaded: bool = False
    funded: bool = False
    funding: bool = False
    has_faucet: bool = False
    trouble: str = ""

    _turn: int = 0
    _available: rx.Field[dict[str, Decimal]] = rx.field(default_factory=dict)
    _accounts: rx.Field[frozenset[str]] = rx.field(default_factory=frozenset)

    @rx.event(background=True)
    async def load(self) -> AsyncIterator[Any]:
        """Read the wallet from the chain; where that fails, say so and try again while the tab is open."""
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        while True:
            try:
                async with self:
                    if self._turn != turn:
                        return
                    identity = await self._identity()
                if identity is None:
                    yield browser.to_login()
                    return
                view = await services().wallets.view(identity.user_id)
            except TOLD as error:
                async with self:
                    self.trouble = told(error)
            else:
                async with self:
                    self._show(view)
                return
            await asyncio.sleep(RETRY_SECONDS)
            if not is_connected(client_token):
                return

    @rx.event(background=True)
    async def get_test_funds(self) -> AsyncIterator[Any]:
        """Ask the faucet for test funds and show what came."""
        async with self:
            identity = await self._identity()
            if identity is None:
                yield browser.to_login()
                return
            if self.funding:
                return
            self.funding = True
        try:
            grant = await services().faucet.grant(identity.user_id)
            async with self:
                self._show(grant.wallet)
            yield browser.toast("success", "Test funds have arrived", subject="funds")
        except TOLD as error:
            yield browser.toast("error", "No test funds this time", told(error), subject="funds")
        finally:
            async with self:
                self.funding = False

    def _show(self, view: WalletView) -> None:
        self.address = view.address
        self.address_short = shortened(view.address, 6, 6)
        self.balances = [
            BalanceRow(
                token=balance.token,
                icon=token_icon(balance.token),
                amount=amount(balance.amount),
                exact=number(balance.amount),
                reserved=amount(balance.amount - balance.available) if balance.available < balance.amount else "",
            )
            for balance in view.balances
        ]
        self.funded = any(balance.amount > 0 for balance in view.balances)
        self._available = {balance.token: balance.available for balance in view.balances}
        self.available = {token: amount(value) for token, value in self._available.items()}
        self._accounts = view.accounts
        self.has_faucet = has_faucet(services().settings.solana_cluster)
        self.loaded = True
        self.trouble = ""
