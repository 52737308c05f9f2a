"""What stands between a press and what cannot be undone."""

from __future__ import annotations

import reflex as rx

from engine_app.ui import browser
from engine_app.ui.components.dialog import dialog


def confirm_dialog(name: str, title: str | rx.Var[str], words: str, act: rx.Component) -> rx.Component:
    """A dialog with a way back, which has the focus first; `browser.open_dialog(name)` opens it.

    Args:
        name: of the element.
        title: what is about to happen, as a question.
        words: what that means.
        act: the button, or the form around it, that does it.
    """
    return dialog(
        name,
        title,
        rx.el.p(words, class_name="soft small"),
        rx.el.div(
            rx.el.button(
                "Keep as it is",
                class_name="button",
                type="button",
                on_click=browser.close_dialog(name),
                data_focus=True,
                data_testid=f"{name}-keep",
            ),
            act,
            class_name="dialog-acts",
        ),
    )
