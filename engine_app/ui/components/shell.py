"""The frame of every page: skip link, top bar with navigation, connection and account menu, cluster banner."""

from __future__ import annotations

from typing import Literal

import reflex as rx
from reflex.style import color_mode, set_color_mode
from reflex_components_core.core.banner import has_connection_errors
from reflex_components_core.el.elements.base import BaseHTML

from engine_app.ui.components.keys import Keys
from engine_app.ui.places import PLACES, Place
from engine_app.ui.states.preferences import OFF, PreferencesState
from engine_app.ui.states.session import SessionState

BRAND = "Order Engine"
CONTENT = "content"
"""The element that the skip link leads to."""

CLUSTER_TONES = {"localnet": "busy", "devnet": "warn", "mainnet-beta": "good"}
CLUSTER_WORDS = {
    "localnet": "Tokens here are play money.",
    "devnet": "Tokens here have no value.",
    "mainnet-beta": "Real funds.",
}


class PostForm(BaseHTML):  # type: ignore[misc]
    """A form that the browser itself sends, by a full page load: Reflex's own forms never do."""

    tag = "form"

    action: rx.Var[str]
    method: rx.Var[str]


def page_frame(*content: rx.Component, class_name: str) -> rx.Component:
    """A page for anybody: its content below the top bar."""
    return rx.fragment(
        skip_link(),
        rx.el.header(rx.el.div(brand(), class_name="topbar-inner"), class_name="topbar"),
        rx.el.main(*content, id=CONTENT, tab_index=-1, class_name=class_name),
    )


def account_page(here: str, *content: rx.Component, class_name: str = "page") -> rx.Component:
    """A page of who is logged in.

    Args:
        here: the address of the place that the navigation marks.
        content: what stands in its main part.
        class_name: how that is laid out.
    """
    return rx.fragment(
        skip_link(),
        rx.el.header(
            rx.el.div(
                brand(),
                navigation(here),
                connection_pill(),
                rx.cond(SessionState.signed_in, account_menu(), rx.el.span(class_name="account-place")),
                class_name="topbar-inner",
            ),
            class_name="topbar",
        ),
        cluster_banner(),
        Keys.create(),
        rx.el.main(*content, id=CONTENT, tab_index=-1, class_name=class_name),
    )


def skip_link() -> rx.Component:
    """The first stop of the keyboard: past the bar."""
    return rx.el.a(
        "Skip to content",
        href=f"#{CONTENT}",
        class_name="skip-link",
        on_click=rx.set_focus(CONTENT).prevent_default,
    )


def navigation(here: str) -> rx.Component:
    """The ways to the other pages; on a phone at its lower edge, where the thumb is."""
    return rx.el.nav(
        *(_way(place, current=place.address == here) for place in PLACES), class_name="ways", aria_label="Main"
    )


def _way(place: Place, *, current: bool) -> rx.Component:
    return rx.el.a(
        rx.icon(place.icon, class_name="icon", aria_hidden=True),
        rx.el.span(place.label),
        href=place.address,
        class_name="way",
        data_testid=f"to-{place.label.lower()}",
        **({"aria_current": "page"} if current else {}),
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


def cluster_banner() -> rx.Component:
    """Which chain the money is on, and what it is worth there."""
    return rx.el.aside(
        rx.cond(
            SessionState.signed_in,
            rx.fragment(
                rx.el.strong(SessionState.cluster_label, data_testid="cluster"),
                rx.el.span(rx.match(SessionState.cluster, *CLUSTER_WORDS.items(), "")),
            ),
        ),
        class_name="cluster-banner",
        data_tone=rx.match(SessionState.cluster, *CLUSTER_TONES.items(), ""),
        aria_label="Solana cluster",
    )


def connection_pill() -> rx.Component:
    """Whether the page is live."""
    away = has_connection_errors | SessionState.database_away
    there = SessionState.is_hydrated | SessionState.signed_in
    return rx.el.span(
        rx.el.span(class_name="dot", aria_hidden=True),
        rx.cond(away, "Reconnecting", rx.cond(SessionState.feed_away, "Delayed", rx.cond(there, "Live", "Connecting"))),
        class_name="pill",
        data_tone=rx.cond(away | SessionState.feed_away, "warn", rx.cond(there, "good", "")),
        title=rx.cond(SessionState.feed_away, "Nothing is pushed now; the page asks every few seconds instead", ""),
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
            rx.el.div(
                rx.el.span("Shortcuts of one key", class_name="menu-label"),
                rx.el.div(
                    _shortcuts_button("On", on=True),
                    _shortcuts_button("Off", on=False),
                    class_name="segments",
                    role="group",
                    aria_label="Shortcuts of one key",
                ),
                rx.el.span("/ searches, J and K walk, N and P turn pages", class_name="menu-note"),
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


def _shortcuts_button(label: str, *, on: bool) -> rx.Component:
    are_on = PreferencesState.shortcuts != OFF
    return rx.el.button(
        label,
        class_name="segment",
        type="button",
        aria_pressed=rx.cond(are_on if on else ~are_on, "true", "false"),
        on_click=PreferencesState.set_shortcuts("on" if on else OFF),
        data_testid=f"shortcuts-{label.lower()}",
    )
