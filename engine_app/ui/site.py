"""The site: its pages, its look, and the guards of its event websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from engine_app import errors
from engine_app.accounts.origins import is_own_origin
from engine_app.settings import settings
from engine_app.storage.postgres import DATABASE_AWAY, DATABASE_UNAVAILABLE
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger
from engine_app.ui import browser
from engine_app.ui.components.errands import Errands
from engine_app.ui.components.shell import BRAND
from engine_app.ui.pages.account import settings_page
from engine_app.ui.pages.door import create_account_page, login_page
from engine_app.ui.pages.not_found import not_found_page
from engine_app.ui.pages.order import one_order_page
from engine_app.ui.pages.orders import orders_page
from engine_app.ui.pages.status import status_page
from engine_app.ui.pages.trade import trade_page
from engine_app.ui.pages.wallet import wallet_page
from engine_app.ui.places import ACCOUNT, ORDERS, STATUS, WALLET
from engine_app.ui.states.account import AccountState
from engine_app.ui.states.activity import ActivityState
from engine_app.ui.states.door import DoorState
from engine_app.ui.states.history import HistoryState
from engine_app.ui.states.order import OrderState
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.session import WelcomeState
from engine_app.ui.states.status import StatusState
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.wallet import WalletState
from engine_app.ui.states.withdraw import WithdrawState
from engine_app.ui.tabs import OneSessionPerTab
from engine_app.ui.theme import css_variables

log = get_logger(__name__)

STYLE_SHEETS = [
    "/css/base.css",
    "/css/shell.css",
    "/css/door.css",
    "/css/trade.css",
    "/css/quote.css",
    "/css/orders.css",
    "/css/wallet.css",
    "/css/pages.css",
    "/css/account.css",
]
_WALLET_LOADS = [WalletState.load, OrdersState.follow, ActivityState.show_activity, WithdrawState.show_book]
COUNT_SECONDS = 5.0
MOST_EVENT_BYTES = 64 * 1024
"""What one event may have, its page's address included, which stays in the tab's state; a socket that sends more ends.
Reflex takes 1 MB."""
DESCRIPTION = "Swap on Solana at the best price of Raydium and Meteora, executed exactly once."


def head() -> list[rx.Component]:
    """What stands in the head of every page: the tokens of the look, the mark, the font before it is asked for."""
    return [
        rx.el.style(css_variables()),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/inter-latin-wght-normal.woff2",
            custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": "anonymous"},
        ),
    ]


def furnish(app: rx.App) -> None:
    """Give the app its pages and guards."""
    pages: tuple[tuple[str, str | rx.Var[str], Callable[[], rx.Component], Any], ...] = (
        (
            "/",
            rx.cond(OrdersState.headline != "", OrdersState.headline, "Trade"),
            trade_page,
            [WalletState.load, OrdersState.follow, SwapState.requote, WelcomeState.greet],
        ),
        (WALLET, "Wallet", wallet_page, _WALLET_LOADS),
        (ORDERS, "Orders", orders_page, HistoryState.follow_history),
        (
            f"{ORDERS}/[order_id]",
            rx.cond(OrderState.order_headline != "", OrderState.order_headline, "Order"),
            one_order_page,
            OrderState.follow_order,
        ),
        (ACCOUNT, "Account", settings_page, [AccountState.load_account, OrdersState.follow]),
        (STATUS, "Status", status_page, [StatusState.watch, OrdersState.follow]),
        ("/login", "Log in", login_page, DoorState.enter),
        ("/create-account", "Create account", create_account_page, DoorState.enter),
        ("404", "Not found", not_found_page, None),
    )
    for route, title, page, on_load in pages:
        app.add_page(
            page,
            route=route,
            title=f"{title} · {BRAND}",
            description=DESCRIPTION,
            image="/favicon.svg",
            on_load=on_load,
        )
    app.add_middleware(OneSessionPerTab(), index=0)
    # The connection pill says what Reflex's own overlay would.
    app.app_wraps.pop((5, "Overlay"))
    app.app_wraps[4, "Errands"] = lambda _: Errands.create()
    if app.sio is not None:
        app.sio.eio.cors_allowed_origins = _own_pages_only
        app.sio.eio.max_http_buffer_size = MOST_EVENT_BYTES


async def count_sockets(app: rx.App) -> None:
    """Tell the metrics how many pages are open here, until cancelled."""
    while True:
        metrics.OPEN_SOCKETS.labels("pages").set(0 if app.sio is None else len(app.sio.eio.sockets))
        await asyncio.sleep(COUNT_SECONDS)


def tell_of_error(exception: Exception) -> EventSpec:
    """What a person is told when a handler failed: that the database is away, or that the log has the rest."""
    told: EventSpec
    if isinstance(exception, DATABASE_AWAY):
        log.warning("page.database_away", error=type(exception).__name__)
        away = errors.explain(DATABASE_UNAVAILABLE)
        told = browser.toast("error", away.happened, away.next_step, subject="database")
        return told
    log.error("page.handler_failed", exc_info=exception)
    internal = errors.explain("INTERNAL")
    told = browser.toast("error", internal.happened, internal.money, subject="internal")
    return told


def _own_pages_only(origin: str, environ: dict[str, Any]) -> bool:
    """Whether the event websocket may be opened by a page of this origin."""
    hosts = (environ.get("HTTP_HOST", ""), environ.get("HTTP_X_FORWARDED_HOST", ""))
    return is_own_origin(origin, hosts, settings().public_url)
