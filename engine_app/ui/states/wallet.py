"""The account's wallet, live: address, balances, test funds, and what others send to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from engine_app import errors
from engine_app.accounts.service import Identity
from engine_app.exact_json import number
from engine_app.services import services
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.ui import browser
from engine_app.ui.figures import amount, shortened
from engine_app.ui.qr import QrCode, qr_code
from engine_app.ui.states.activity import ActivityState
from engine_app.ui.states.session import SessionState
from engine_app.ui.states.withdraw import WithdrawState
from engine_app.ui.tabs import HEARTBEAT_SECONDS, bursts, is_connected
from engine_app.ui.token_choice import short_name
from engine_app.ui.token_marks import token_icon
from engine_app.ui.words import TOLD, told
from engine_app.wallets.balances import WalletView
from engine_app.wallets.deposits import Deposit
from engine_app.wallets.faucet import has_faucet
from engine_app.wallets.feed import WalletNews

RETRY_SECONDS = 3.0
MOST_TOLD = 3
"""Deposits of one burst that are told of one by one."""


@dataclass(frozen=True)
class BalanceRow:
    """One token of the wallet. `reserved` is empty where open orders hold nothing of it."""

    token: str
    label: str
    icon: str
    amount: str
    exact: str
    reserved: str


class WalletState(SessionState):
    """Address and balances as the chain last told."""

    address: str = ""
    address_short: str = ""
    qr: QrCode = QrCode()
    balances: rx.Field[list[BalanceRow]] = rx.field(default_factory=list)
    available: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    loaded: bool = False
    funded: bool = False
    funding: bool = False
    has_faucet: bool = False
    arrivals: int = 0
    """Counts the deposits that came while the tab looked."""
    trouble: str = ""

    _turn: int = 0
    _available: rx.Field[dict[str, Decimal]] = rx.field(default_factory=dict)
    _accounts: rx.Field[frozenset[str]] = rx.field(default_factory=frozenset)
    _granted: rx.Field[frozenset[str]] = rx.field(default_factory=frozenset)
    """Signatures of the test funds that were asked for here."""
    _kept: tuple[Deposit, ...] = ()

    @rx.event(background=True)
    async def load(self) -> AsyncIterator[Any]:
        """Show the wallet as it is now and as it changes: one follower a tab, until the tab or session ends.

        Where nothing tells, the tab says so and all is read again once something does.
        """
        async with self:
            turn = self._turn = self._turn + 1
            client_token = self.router.session.client_token
        while self._turn == turn and is_connected(client_token):
            try:
                async with self:
                    identity = await self._identity()
                if identity is None:
                    yield browser.to_login()
                    return
                async with aclosing(self._followed(identity, turn, client_token)) as events:
                    async for event in events:
                        yield event
                return
            except DATABASE_AWAY as error:
                async with self:
                    self.trouble = told(error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _followed(self, identity: Identity, turn: int, client_token: str) -> AsyncGenerator[Any]:
        """What the page is to do about the news, until another follower takes over or the tab or session ends."""
        loop = asyncio.get_running_loop()
        checked = loop.time()
        watching = services().endings.watch(identity)
        async with watching as ended_session, services().wallet_feed.follow(identity.user_id) as updates:
            async for burst in bursts(updates, until=ended_session):
                if not is_connected(client_token):
                    return
                async with self:
                    if self._turn != turn:
                        return
                    if loop.time() - checked > HEARTBEAT_SECONDS:
                        if await self._identity() is None:
                            break
                        checked = loop.time()
                    deposits = [deposit for news in burst for deposit in await self._take(news)]
                    self.arrivals += len(deposits)
                for deposit in deposits[-MOST_TOLD:]:
                    yield _told(deposit)
                if burst:
                    yield ActivityState.show_activity
            yield browser.to_login()

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
                await self._show(grant.wallet)
                self._granted = frozenset(grant.signatures)
            yield browser.toast("success", "Test funds have arrived", subject="funds")
        except TOLD as error:
            yield browser.toast("error", "No test funds this time", told(error), subject="funds")
        finally:
            async with self:
                self.funding = False
                kept, self._kept = self._of_others(self._kept), ()
        for deposit in kept:
            yield _told(deposit)

    async def _take(self, news: WalletNews) -> tuple[Deposit, ...]:
        """Show what is new; the deposits that are to be told of.

        While test funds are on their way it is not known yet which deposits they are: all are kept until it is.
        """
        if news.wallet is not None:
            await self._show(news.wallet)
        if news.trouble is not None:
            foreseen = isinstance(news.trouble, TOLD)
            self.trouble = told(news.trouble) if foreseen else errors.explain("INTERNAL").happened
        if self.funding:
            self._kept = (*self._kept, *news.deposits)
            return ()
        return self._of_others(news.deposits)

    def _of_others(self, deposits: tuple[Deposit, ...]) -> tuple[Deposit, ...]:
        return tuple(deposit for deposit in deposits if deposit.signature not in self._granted)

    async def _show(self, view: WalletView) -> None:
        self.address = view.address
        self.address_short = shortened(view.address, 6, 6)
        self.qr = qr_code(view.address)
        self.balances = [
            BalanceRow(
                token=balance.token,
                label=short_name(balance.token, balance.mint),
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
        (await self.get_state(WithdrawState))._offer(view.balances)


def _told(deposit: Deposit) -> EventSpec:
    """The toast that says what has arrived; one per deposit, however often it is told."""
    return browser.toast(
        "success",
        f"{amount(deposit.amount)} {short_name(deposit.token, deposit.mint)} received",
        f"From {shortened(deposit.sender, 6, 6)}",
        subject=f"deposit {deposit.signature} {deposit.mint}",
    )
