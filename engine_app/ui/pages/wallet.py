"""The wallet page: what there is, how funds come in and go out, and what has moved."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.activity_card import activity_card
from engine_app.ui.components.deposit_card import deposit_card
from engine_app.ui.components.shell import account_page
from engine_app.ui.components.wallet_card import balances_card
from engine_app.ui.components.withdraw_card import address_book_card, forget_dialog, withdraw_card
from engine_app.ui.places import WALLET


def wallet_page() -> rx.Component:
    """The page of who is logged in."""
    return account_page(
        WALLET,
        rx.el.h1("Wallet", class_name="visually-hidden"),
        rx.el.div(balances_card(), deposit_card(), class_name="side"),
        rx.el.div(withdraw_card(), address_book_card(), activity_card(), class_name="side"),
        forget_dialog(),
    )
