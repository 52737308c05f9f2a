"""The order form: amounts, tokens, slippage, and the button."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from engine_app.exact_json import number
from engine_app.ui.components.pieces import card, notice, skeleton, trouble
from engine_app.ui.components.quote_facts import is_outdated, quote_facts, refresh_ring, venue_quotes
from engine_app.ui.components.token_picker import token_button, token_warnings
from engine_app.ui.components.typed_input import typed_input
from engine_app.ui.spending import SOL_KEPT
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.wallet import WalletState

SLIPPAGES = ("0.1", "0.5", "1", "3")
TYPING_MS = 150


def swap_card() -> rx.Component:
    """The card in which an order is written."""
    return card(
        rx.el.div(_pay_leg(), _flip(), _receive_leg(), class_name="swap"),
        venue_quotes(),
        _slippage(),
        quote_facts(),
        _notices(),
        _button(),
        title="Swap",
        aside=refresh_ring(),
        id="swap",
    )


def _pay_leg() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.label("You pay", html_for="amount", class_name="leg-label"),
            rx.cond(
                WalletState.loaded & (SwapState.paid.token != ""),
                rx.el.div(
                    rx.el.span("Balance ", WalletState.available.get(SwapState.paid.token, "0"), class_name="num"),
                    _share("Half", 2),
                    _share("Max", 1),
                    class_name="leg-balance",
                ),
            ),
            class_name="leg-row",
        ),
        rx.el.div(
            rx.el.div(
                typed_input(
                    id="amount",
                    value=SwapState.amount,
                    delay=TYPING_MS,
                    on_typed=SwapState.set_amount,
                    on_enter=SwapState.place(SwapState.quote.key),
                    placeholder="0",
                    input_mode="decimal",
                    enter_key_hint="go",
                    auto_complete="off",
                    auto_focus=True,
                    spell_check=False,
                    max_length=40,
                    class_name="amount-input",
                    data_testid="amount",
                ),
                class_name="amount-room",
                style={"--digits": SwapState.amount.length()},
            ),
            token_button("in", SwapState.paid, "Token to pay"),
            class_name="leg-row",
        ),
        class_name="leg",
    )


def _share(label: str, divisor: int) -> rx.Component:
    return rx.el.button(
        label,
        class_name="button button-chip",
        type="button",
        title="Of SOL, what fees and rents need stays",
        on_click=SwapState.use_share(divisor),
        data_testid=f"use-{label.lower()}",
    )


def _flip() -> rx.Component:
    return rx.el.button(
        rx.icon("arrow-down-up", class_name="icon", aria_hidden=True),
        class_name="flip",
        type="button",
        aria_label="Swap the sides",
        title="Swap the sides",
        on_click=SwapState.flip,
        data_testid="flip",
    )


def _receive_leg() -> rx.Component:
    known = SwapState.quote.amount_out != ""
    return rx.el.div(
        rx.el.div(rx.el.span("You receive", class_name="leg-label"), class_name="leg-row"),
        rx.el.div(
            rx.el.div(
                rx.el.output(
                    rx.cond(
                        known,
                        SwapState.quote.amount_out,
                        rx.cond(SwapState.quoting, skeleton("9rem"), "0"),
                    ),
                    class_name="amount-input amount-output",
                    data_empty=rx.cond(known, "false", "true"),
                    data_stale=is_outdated(),
                    aria_live="polite",
                    aria_label="Amount to receive",
                    data_testid="amount-out",
                ),
                class_name="amount-room",
                style={"--digits": SwapState.quote.amount_out.length()},
            ),
            token_button("out", SwapState.received, "Token to receive"),
            class_name="leg-row",
        ),
        class_name="leg",
    )


def _slippage() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.label("Max. slippage", html_for="slippage", class_name="soft"),
            rx.el.span("Beyond it, nothing is swapped", class_name="faint"),
            class_name="slippage-label",
        ),
        rx.el.div(
            rx.el.div(
                *(
                    rx.el.button(
                        f"{percent}%",
                        class_name="segment num",
                        type="button",
                        aria_pressed=rx.cond(SwapState.slippage == percent, "true", "false"),
                        on_click=SwapState.set_slippage(percent),
                        data_testid=f"slippage-{percent}",
                    )
                    for percent in SLIPPAGES
                ),
                class_name="segments",
                role="group",
                aria_label="Usual slippages",
            ),
            rx.el.span(
                typed_input(
                    id="slippage",
                    value=SwapState.slippage,
                    delay=TYPING_MS,
                    on_typed=SwapState.set_slippage,
                    input_mode="decimal",
                    auto_complete="off",
                    max_length=8,
                    class_name="num",
                    data_testid="slippage",
                ),
                rx.el.span("%", class_name="faint", aria_hidden=True),
                class_name="slippage-own",
            ),
            class_name="slippage",
        ),
        rx.cond(
            SwapState.slippage_warning != "",
            rx.el.p(
                SwapState.slippage_warning,
                class_name="toned small slippage-warning",
                data_tone="warn",
                role="status",
                data_testid="slippage-warning",
            ),
        ),
    )


def _notices() -> rx.Component:
    return rx.el.div(
        token_warnings(SwapState.paid),
        token_warnings(SwapState.received),
        rx.cond(
            SwapState.spends_fees,
            notice(
                f"This leaves less than {number(SOL_KEPT)} SOL for fees and rents: the swap is likely to fail. "
                "Max leaves enough.",
                tone="warn",
                icon="triangle-alert",
                data_testid="fees-warning",
            ),
        ),
        trouble(SwapState.notice, "swap-notice"),
        trouble(SwapState.refusal, "swap-refusal"),
        class_name="swap-notices",
    )


def _button() -> rx.Component:
    return rx.cond(
        SwapState.paused,
        _ask_again("Get a fresh price", "fresh-price"),
        rx.cond(
            SwapState.unpriced & SwapState.retriable & ~SwapState.quoting,
            _ask_again("No price: try again", "retry-price"),
            _swap(),
        ),
    )


def _ask_again(label: str, test_id: str) -> rx.Component:
    return rx.el.button(
        label,
        class_name="button button-main swap-button",
        type="button",
        on_click=SwapState.requote,
        data_testid=test_id,
    )


def _swap() -> rx.Component:
    quote = SwapState.quote
    ready = quote.key != ""
    return rx.el.button(
        rx.cond(
            SwapState.short,
            f"Not enough {SwapState.paid.label}",
            rx.cond(
                quote.too_large != "",
                quote.too_large,
                rx.cond(
                    ready,
                    rx.cond(
                        quote.risky,
                        f"Price impact {quote.impact}: look closer",
                        f"Swap {SwapState.paid.label} for {SwapState.received.label}",
                    ),
                    rx.cond(
                        SwapState.quoting,
                        "Asking both venues …",
                        rx.cond(
                            SwapState.unpriced,
                            "No price for this",
                            rx.cond(SwapState.amiss != "", f"Correct the {SwapState.amiss}", "Enter an amount"),
                        ),
                    ),
                ),
            ),
        ),
        class_name="button button-main swap-button",
        type="button",
        data_risky=rx.cond(ready & quote.risky, "true", "false"),
        disabled=~ready | SwapState.short | has_connection_errors,
        on_click=SwapState.place(quote.key),
        data_testid="swap-button",
    )
