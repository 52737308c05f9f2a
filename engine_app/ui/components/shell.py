"""The frame of every page: top bar with brand, cluster, connection, account menu."""

from __future__ import annotations

from typing import Literal

import reflex as rx
from reflex.style import color_mode, set_color_mode
from reflex_components_core.core.banner import has_connection_errors
from reflex_components_core.el.elements.base import BaseHTML

from engine_app.ui.states.session import SessionState

BRAND = "Order Engine"
CLUSTER_TONES = {"localnet": "busy", "devnet": "warn", "mainnet-beta": "good"}


class PostForm(BaseHTML):  # type: ignore[misc]
    """A form that the browser itself sends, by a full page load: Reflex's own forms never do."""

    tag = "form"

    action: rx.Var[str]
    method: rx.Var[str]


def page_frame(*content: rx.Component, bar_end: rx.Component | None = None) -> rx.Component:
    """A page below the top bar."""
    return rx.fragment(
        rx.el.header(
            rx.el.div(brand(), bar_end or rx.fragment(), class_name="topbar-inner"),
            class_name="topbar",
        ),
        *content,
    )


def brand() -> rx.Component:
    """The product's mark and name."""
    return rx.el.a(
        rx.el.img(src="/favicon.svg", alt="", width="28", height="28"),
        rx.el.span(BRAND, class_name="brand-name"),
        href="/",
        class_name="brand",
        aria_label=f"{BRAND}, to the trade page",
    )


def bar_end() -> rx.Component:
    """The end of the top bar for who is logged in."""
    return rx.fragment(
        rx.cond(SessionState.signed_in, cluster_pill()),
        connection_pill(),
        rx.cond(SessionState.signed_in, account_menu()),
    )


def cluster_pill() -> rx.Component:
    """Which chain the money is on."""
    return rx.el.span(
        SessionState.cluster_label,
        class_name="pill",
        data_tone=rx.match(SessionState.cluster, *CLUSTER_TONES.items(), ""),
        title="The Solana cluster this engine trades on",
        data_testid="cluster",
    )


def connection_pill() -> rx.Component:
    """Whether the page is live."""
    return rx.el.span(
        rx.el.span(class_name="dot", aria_hidden=True),
        rx.cond(
            has_connection_errors | SessionState.database_away,
            "Reconnecting",
            rx.cond(SessionState.is_hydrated, "Live", "Connecting"),
        ),
        class_name="pill",
        data_tone=rx.cond(
            has_connection_errors | SessionState.database_away, "warn", rx.cond(SessionState.is_hydrated, "good", "")
        ),
        role="status",
        data_testid="connection",
    )


def account_menu() -> rx.Component:
    """The account's button and the menu it opens."""
    return rx.fragment(
        rx.el.button(
            rx.el.span(SessionState.username[0], class_name="avatar", aria_hidden=True),
            rx.el.span(SessionState.username, class_name="account-name"),
            rx.icon("chevron-down", class_name="icon", aria_hidden=True),
            class_name="button account-button",
            type="button",
            aria_label="Account menu",
            data_testid="account",
            custom_attrs={"popoverTarget": "account-menu"},
        ),
        rx.el.div(
            rx.el.div(
                rx.el.span("Logged in as", class_name="faint small"),
                rx.el.strong(SessionState.username, data_testid="username"),
                class_name="menu-head",
            ),
            rx.el.div(
                rx.el.span("Appearance", class_name="menu-label"),
                rx.el.div(
                    _mode_button("system"),
                    _mode_button("light"),
                    _mode_button("dark"),
                    class_name="segments",
                    role="group",
                    aria_label="Appearance",
                ),
                class_name="menu-section",
            ),
            PostForm.create(
                rx.el.button(
                    rx.icon("log-out", class_name="icon", aria_hidden=True),
                    "Log out",
                    class_name="menu-item",
                    type="submit",
                    data_testid="log-out",
                ),
                action="/session/logout",
                method="post",
                class_name="menu-section",
            ),
            id="account-menu",
            class_name="menu",
            custom_attrs={"popover": "auto"},
        ),
    )


def _mode_button(mode: Literal["system", "light", "dark"]) -> rx.Component:
    return rx.el.button(
        mode.capitalize(),
        class_name="segment",
        type="button",
        aria_pressed=rx.cond(color_mode == mode, "true", "false"),
        on_click=set_color_mode(mode),
        data_testid=f"mode-{mode}",
    )
