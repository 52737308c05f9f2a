"""The page for an address that has none."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.pieces import empty
from engine_app.ui.components.shell import page_frame


def not_found_page() -> rx.Component:
    """Says that nothing is here, and where to go."""
    return page_frame(
        rx.el.h1("Not found", class_name="visually-hidden"),
        rx.el.section(
            empty(
                "compass",
                "There is nothing at this address",
                "It may have been mistyped, or the page is no longer there.",
                rx.el.a("To the trade page", href="/", class_name="button button-main"),
            ),
            class_name="card door-card",
        ),
        class_name="door",
    )
