"""How funds come in: the address, as text and as a picture for another device's camera."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.pieces import card, copy_button, skeleton
from engine_app.ui.components.wallet_card import funds_button
from engine_app.ui.states.wallet import WalletState


def deposit_card() -> rx.Component:
    """The wallet's address, and test funds where there are any."""
    qr = WalletState.qr
    return card(
        rx.el.div(
            rx.cond(
                WalletState.loaded,
                rx.el.svg(
                    rx.el.svg.path(d=qr.path),
                    view_box=f"0 0 {qr.size} {qr.size}",
                    role="img",
                    aria_label="The wallet's address as a QR code",
                    class_name="qr",
                    custom_attrs={"shapeRendering": "crispEdges"},
                    data_testid="qr",
                ),
                rx.el.span(class_name="skeleton qr", aria_hidden=True),
            ),
            rx.el.div(
                rx.el.p(
                    "What is sent to this address shows here as soon as the chain confirms it. Only send on: ",
                    rx.el.strong(WalletState.cluster_label),
                    class_name="soft small",
                ),
                rx.el.div(
                    rx.cond(
                        WalletState.loaded,
                        rx.fragment(
                            rx.el.span(WalletState.address, class_name="mono", data_testid="full-address"),
                            copy_button(WalletState.address, "address", "copy-full-address"),
                        ),
                        skeleton("16rem"),
                    ),
                    class_name="address address-whole",
                ),
                rx.cond(
                    WalletState.loaded & WalletState.has_faucet,
                    rx.el.div(
                        funds_button("button"),
                        rx.el.span("Play money of this chain, enough for a few swaps", class_name="faint small"),
                        class_name="deposit-funds",
                    ),
                ),
                class_name="deposit-words",
            ),
            class_name="deposit",
        ),
        title="Deposit",
        data_testid="deposit",
    )
