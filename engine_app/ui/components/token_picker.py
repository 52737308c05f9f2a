"""The button that names a token, and the dialog in which another is chosen."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.dialog import dialog
from engine_app.ui.components.pieces import badge, empty, notice, skeleton, token_mark, trouble
from engine_app.ui.components.typed_input import typed_input
from engine_app.ui.states.picker import PICKER, PickerState
from engine_app.ui.token_choice import TokenChoice

OPTIONS = "token-options"
SEARCHING_MS = 80


def token_button(side: str, choice: Any, label: str) -> rx.Component:
    """The token of one side; it opens the dialog."""
    return rx.el.button(
        rx.cond(
            choice.label != "",
            rx.fragment(token_mark(choice.icon), rx.el.span(choice.label)),
            skeleton("5rem"),
        ),
        rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        class_name="token-pick",
        type="button",
        aria_label=rx.cond(choice.label != "", f"{label}: {choice.label}", label),
        aria_haspopup="dialog",
        on_click=PickerState.open(side),
        data_testid=f"token-{side}",
    )


def token_picker() -> rx.Component:
    """The dialog: search, and what fits; arrows and Enter choose."""
    return dialog(
        PICKER,
        rx.cond(PickerState.side == "in", "Token to pay", "Token to receive"),
        typed_input(
            value=PickerState.text,
            delay=SEARCHING_MS,
            options=OPTIONS,
            on_typed=PickerState.search,
            on_enter=PickerState.take_first,
            placeholder="Symbol, name or mint address",
            aria_label="Search tokens by symbol, name or mint address",
            role="combobox",
            aria_expanded=True,
            aria_controls=OPTIONS,
            aria_autocomplete="list",
            auto_complete="off",
            data_focus=True,
            spell_check=False,
            max_length=100,
            class_name="text-input",
            data_testid="token-search",
        ),
        trouble(PickerState.trouble, "picker-trouble"),
        rx.el.ul(
            rx.foreach(PickerState.found, _option),
            id=OPTIONS,
            class_name="options",
            role="listbox",
            aria_label="Tokens",
        ),
        rx.cond(
            (PickerState.found.length() == 0) & (PickerState.trouble == ""),
            empty(
                "search-x",
                "No such token",
                "Listed tokens are found by symbol and name; any other by the address of its mint.",
                data_testid="picker-empty",
            ),
        ),
        rx.el.p("↑ ↓ to move, Enter to choose, Esc to close", class_name="faint small keys-hint"),
    )


def token_warnings(choice: Any) -> rx.Component:
    """What a person should know of a token; nothing of a listed one."""
    return rx.cond(
        ~choice.listed,
        notice(
            rx.el.strong(f"{choice.label} is not on this engine's list."),
            rx.el.ul(rx.foreach(choice.warnings, rx.el.li), class_name="warnings"),
            tone="warn",
            icon="triangle-alert",
            data_testid="token-warnings",
        ),
    )


def _option(choice: TokenChoice) -> rx.Component:
    return rx.el.li(
        token_mark(choice.icon),
        rx.el.div(
            rx.el.div(
                rx.el.strong(choice.label),
                rx.cond(
                    choice.listed,
                    rx.icon("badge-check", class_name="icon verified", aria_label="On this engine's list", size=16),
                    badge("Unlisted", "warn"),
                ),
                class_name="option-head",
            ),
            rx.el.div(choice.name, class_name="faint small"),
            rx.cond(
                ~choice.listed,
                rx.el.ul(rx.foreach(choice.warnings, rx.el.li), class_name="warnings small"),
            ),
            class_name="option-body",
        ),
        rx.el.div(
            rx.el.div(choice.balance, class_name="num"),
            rx.el.div(choice.mint_short, class_name="faint small mono", title=choice.mint),
            class_name="option-end",
        ),
        id=f"option-{choice.token}",
        key=choice.token,
        role="option",
        aria_selected=False,
        class_name="option",
        on_click=PickerState.take(choice.token),
        data_testid=f"option-{choice.token}",
    )
