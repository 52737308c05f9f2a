"""What stands between a person and a swap that would lose much to its price impact."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.dialog import dialog
from engine_app.ui.components.pieces import notice, trouble
from engine_app.ui.components.typed_input import typed_input
from engine_app.ui.states.swap import SwapState
from engine_app.ui.states.swap_form import CONFIRMATION, IMPACT_DIALOG

CONFIRMING_MS = 50


def impact_dialog() -> rx.Component:
    """The dialog: what would be lost, and a word to type for who wants it nevertheless."""
    quote = SwapState.quote
    place = SwapState.place_despite(quote.key)
    return dialog(
        IMPACT_DIALOG,
        "High price impact",
        notice(
            rx.el.strong(f"This swap loses {quote.impact} against the pool's price."),
            rx.el.p(
                "The pools are too shallow for the amount. Smaller swaps with time between them usually bring more."
            ),
            tone="bad",
            icon="triangle-alert",
        ),
        rx.el.dl(
            _fact("You pay", f"{SwapState.amount_read} {SwapState.paid.label}"),
            _fact("You receive about", f"{quote.amount_out} {SwapState.received.label}"),
            _fact("At least", quote.floor),
            class_name="facts",
        ),
        rx.el.label(f"Type {CONFIRMATION} to swap nevertheless", html_for="confirmation", class_name="small"),
        typed_input(
            id="confirmation",
            value=SwapState.confirmation,
            delay=CONFIRMING_MS,
            on_typed=SwapState.confirm,
            on_enter=place,
            auto_complete="off",
            spell_check=False,
            max_length=10,
            class_name="text-input",
            data_focus=True,
            data_testid="confirmation",
        ),
        trouble(SwapState.notice, "impact-notice"),
        trouble(SwapState.refusal, "impact-refusal"),
        rx.el.button(
            rx.cond(SwapState.quoting, "Asking both venues …", "Swap nevertheless"),
            class_name="button button-main button-danger",
            type="button",
            disabled=(quote.key == "") | (SwapState.confirmation.upper() != CONFIRMATION),
            on_click=place,
            data_testid="place-despite",
        ),
    )


def _fact(name: str, value: rx.Var[str] | str) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(value, class_name="num"), class_name="fact")
