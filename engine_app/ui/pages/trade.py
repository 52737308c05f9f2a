"""The trade page: write an order, watch it travel, see what came of all before."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.impact_dialog import impact_dialog
from engine_app.ui.components.orders_table import latest_orders_card
from engine_app.ui.components.progress_card import progress_card
from engine_app.ui.components.shell import account_page
from engine_app.ui.components.size_chart import size_card
from engine_app.ui.components.swap_card import swap_card
from engine_app.ui.components.token_picker import token_picker
from engine_app.ui.components.wallet_card import wallet_card


def trade_page() -> rx.Component:
    """The page of who is logged in."""
    return account_page(
        "/",
        rx.el.h1("Trade", class_name="visually-hidden"),
        swap_card(),
        rx.el.div(progress_card(), size_card(), wallet_card(), class_name="side"),
        rx.el.div(latest_orders_card(), class_name="wide"),
        token_picker(),
        impact_dialog(),
    )
