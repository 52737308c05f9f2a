"""The order form: amounts, tokens, both venues' quotes, slippage, and the button."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, card, notice, skeleton, token_mark
from engine_app.ui.quote_view import VenueQuote
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.wallet import WalletState

SLIPPAGES = ("0.1", "0.5", "1", "3")
TYPING_MS = 150


def swap_card() -> rx.Component:
    """The card in which an order is written."""
    return card(
        rx.el.div(_pay_leg(), _flip(), _receive_leg(), class_name="swap"),
        rx.el.div(
            rx.foreach(SwapState.quote.venues, _venue),
            class_name="venues",
            aria_label="What each venue pays",
            role="group",
        ),
        _slippage(),
        _facts(),
        _notices(),
        _button(),
        title="Swap",
        aside=rx.cond(
            SwapState.quote.slot != "",
            rx.el.span(
                "Slot ",
                SwapState.quote.slot,
                class_name="faint small num",
                title="The slot at which all pools were read",
                data_testid="quote-slot",
            ),
        ),
        id="swap",
    )


def _pay_leg() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.label("You pay", html_for="amount", class_name="leg-label"),
            rx.cond(
                WalletState.loaded,
                rx.el.div(
                    rx.el.span("Balance ", WalletState.available.get(SwapState.token_in, "0"), class_name="num"),
                    _share("Half", 2),
                    _share("Max", 1),
                    class_name="leg-balance",
                ),
            ),
            class_name="leg-row",
        ),
        rx.el.div(
            rx.el.input(
                id="amount",
                value=SwapState.amount,
                on_change=SwapState.set_amount,
                debounce_timeout=TYPING_MS,
                placeholder="0",
                input_mode="decimal",
                auto_complete="off",
                auto_focus=True,
                spell_check=False,
                max_length=40,
                class_name="amount-input",
                data_testid="amount",
            ),
            _token_pick("Token to pay", SwapState.token_in, SwapState.icon_in, SwapState.set_token_in, "token-in"),
            class_name="leg-row",
        ),
        class_name="leg",
    )


def _share(label: str, divisor: int) -> rx.Component:
    return rx.el.button(
        label,
        class_name="button button-chip",
        type="button",
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
            rx.el.output(
                rx.cond(
                    known,
                    SwapState.quote.amount_out,
                    rx.cond(SwapState.quoting, skeleton("9rem"), "0"),
                ),
                class_name="amount-input amount-output",
                data_empty=rx.cond(known, "false", "true"),
                aria_live="polite",
                aria_label="Amount to receive",
                data_testid="amount-out",
            ),
            _token_pick(
                "Token to receive", SwapState.token_out, SwapState.icon_out, SwapState.set_token_out, "token-out"
            ),
            class_name="leg-row",
        ),
        class_name="leg",
    )


def _token_pick(label: str, value: Any, icon: Any, on_change: Any, test_id: str) -> rx.Component:
    return rx.el.span(
        token_mark(icon),
        rx.el.select(
            rx.foreach(SwapState.tokens, lambda symbol: rx.el.option(symbol, value=symbol)),
            value=value,
            on_change=on_change,
            aria_label=label,
            data_testid=test_id,
        ),
        rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        class_name="token-pick",
    )


def _venue(venue: VenueQuote) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(venue.name),
            rx.cond(
                venue.best,
                badge("Best", "good", data_testid="quote-best"),
            ),
            class_name="venue-head",
        ),
        rx.cond(
            venue.out != "",
            rx.fragment(
                rx.el.span(venue.out, class_name="venue-out num", title=venue.out),
                rx.el.span(
                    rx.el.span(venue.rate, class_name="venue-rate num"),
                    rx.el.span(
                        venue.lead,
                        class_name="toned num",
                        data_tone=rx.cond(venue.best, "good", ""),
                        title="Against the other venue, in basis points",
                    ),
                    class_name="venue-foot",
                ),
            ),
            rx.cond(
                SwapState.quoting,
                rx.fragment(skeleton("7rem"), rx.el.span("\u00a0", class_name="venue-rate")),
                rx.el.span(
                    rx.cond(SwapState.quote.amount_out != "", "No pool for this pair", "Type an amount to compare"),
                    class_name="venue-rate",
                ),
            ),
        ),
        class_name="venue",
        data_best=rx.cond(venue.best, "true", "false"),
        data_testid=f"venue-{venue.dex}",
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
                rx.el.input(
                    id="slippage",
                    value=SwapState.slippage,
                    on_change=SwapState.set_slippage,
                    debounce_timeout=TYPING_MS,
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
    )


def _facts() -> rx.Component:
    quote = SwapState.quote
    return rx.el.dl(
        _fact("Rate", quote.rate, "quote-rate"),
        _fact("Minimum received", quote.floor, "quote-floor"),
        _fact("Price impact", quote.impact, "quote-impact", tone=quote.impact_tone),
        class_name="facts",
    )


def _fact(name: str, value: Any, test_id: str, tone: Any = "") -> rx.Component:
    return rx.el.div(
        rx.el.dt(name),
        rx.el.dd(
            rx.cond(
                value != "",
                rx.el.span(value, class_name="toned", data_tone=tone),
                rx.cond(SwapState.quoting, skeleton(), rx.el.span("–", class_name="faint")),
            ),
            class_name="num",
            data_testid=test_id,
        ),
        class_name="fact",
    )


def _notices() -> rx.Component:
    return rx.cond(
        SwapState.notice != "",
        rx.el.div(
            notice(SwapState.notice, tone="bad", icon="circle-alert", data_testid="swap-notice"),
            class_name="swap-notice",
        ),
    )


def _button() -> rx.Component:
    ready = SwapState.quote.key != ""
    return rx.cond(
        SwapState.paused,
        rx.el.button(
            "Get a fresh price",
            class_name="button button-main swap-button",
            type="button",
            on_click=SwapState.requote,
            data_testid="fresh-price",
        ),
        rx.el.button(
            rx.cond(
                SwapState.short,
                f"Not enough {SwapState.token_in}",
                rx.cond(
                    SwapState.quote.too_large != "",
                    SwapState.quote.too_large,
                    rx.cond(
                        ready,
                        f"Swap {SwapState.token_in} for {SwapState.token_out}",
                        rx.cond(SwapState.quoting, "Asking both venues …", "Enter an amount"),
                    ),
                ),
            ),
            class_name="button button-main swap-button",
            type="button",
            disabled=~ready | SwapState.short,
            on_click=SwapState.place(SwapState.quote.key),
            data_testid="swap-button",
        ),
    )
