"""A dialog in front of everything else; the browser's own: Escape closes it, and the keyboard stays in it."""

from __future__ import annotations

import reflex as rx

from engine_app.ui import browser


def dialog(name: str, title: rx.Component | str | rx.Var[str], *content: rx.Component, **props: object) -> rx.Component:
    """A dialog; `browser.open_dialog(name)` opens it."""
    return rx.el.dialog(
        rx.el.div(
            rx.el.h2(title, id=f"{name}-title"),
            rx.el.button(
                rx.icon("x", class_name="icon", aria_hidden=True),
                class_name="button button-quiet button-icon",
                type="button",
                aria_label="Close",
                on_click=browser.close_dialog(name),
                data_testid=f"{name}-close",
            ),
            class_name="dialog-head",
        ),
        *content,
        id=name,
        class_name="dialog",
        aria_labelledby=f"{name}-title",
        data_testid=name,
        **props,
    )
