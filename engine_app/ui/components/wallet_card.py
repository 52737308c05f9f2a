"""The wallet: address, balances, test funds."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.react_router import link

from engine_app.ui.components.pieces import card, copy_button, empty, notice, skeleton, token_mark
from engine_app.ui.places import WALLET
from engine_app.ui.states.wallet import BalanceRow, WalletState


def wallet_card() -> rx.Component:
    """The account's wallet in short; the way to its own page."""
    return card(
        rx.el.div(
            rx.cond(
                WalletState.loaded,
                rx.fragment(
                    rx.el.span(
                        WalletState.address_short,
                        class_name="mono",
                        title=WalletState.address,
                        data_testid="address",
                    ),
                    copy_button(WalletState.address, "address", "copy-address"),
                ),
                rx.fragment(skeleton("9rem"), rx.el.span(class_name="button button-quiet button-icon")),
            ),
            class_name="address",
        ),
        _holdings(),
        title="Wallet",
        aside=rx.el.div(
            rx.cond(WalletState.loaded & WalletState.funded & WalletState.has_faucet, funds_button("button")),
            link("Open", to=WALLET, class_name="link", aria_label="Open the wallet page", data_testid="open-wallet"),
            class_name="wallet-aside",
        ),
        data_testid="wallet",
    )


def balances_card() -> rx.Component:
    """What the wallet holds."""
    return card(_holdings(), title="Balances", data_testid="wallet")


def _holdings() -> rx.Component:
    return rx.fragment(
        rx.cond(
            WalletState.trouble != "",
            notice(WalletState.trouble, tone="warn", icon="circle-alert", data_testid="wallet-trouble"),
        ),
        rx.cond(
            WalletState.loaded,
            rx.cond(WalletState.funded, _balances(), _no_funds()),
            rx.el.ul(*(_balance_skeleton() for _ in range(3)), class_name="balances"),
        ),
    )


def _balances() -> rx.Component:
    return rx.el.ul(rx.foreach(WalletState.balances, _balance), class_name="balances")


def _balance(balance: BalanceRow) -> rx.Component:
    return rx.el.li(
        token_mark(balance.icon),
        rx.el.span(balance.label, class_name="balance-name", title=balance.token),
        rx.el.div(
            rx.el.div(balance.amount, class_name="num", title=balance.exact, data_testid=f"balance-{balance.token}"),
            rx.cond(
                balance.reserved != "",
                rx.el.div(f"{balance.reserved} in open orders", class_name="faint small num"),
            ),
            class_name="balance-value",
        ),
        class_name="balance",
        key=balance.token,
    )


def _balance_skeleton() -> rx.Component:
    return rx.el.li(skeleton("1.75rem"), skeleton("4rem"), class_name="balance")


def _no_funds() -> rx.Component:
    return rx.cond(
        WalletState.has_faucet,
        empty(
            "coins",
            "Your wallet is empty",
            "Test funds are play money of this chain: enough SOL and tokens to try a few swaps.",
            funds_button("button button-main"),
            data_testid="wallet-empty",
        ),
        empty(
            "coins",
            "Your wallet is empty",
            "Send SOL to the address above to begin. It arrives here as soon as the chain confirms it.",
            data_testid="wallet-empty",
        ),
    )


def funds_button(class_name: str) -> rx.Component:
    """Asks for test funds."""
    return rx.el.button(
        rx.cond(WalletState.funding, rx.el.span(class_name="spinner", aria_hidden=True)),
        rx.cond(WalletState.funding, "On their way …", "Get test funds"),
        class_name=class_name,
        type="button",
        disabled=WalletState.funding,
        on_click=WalletState.get_test_funds,
        data_testid="get-funds",
    )
