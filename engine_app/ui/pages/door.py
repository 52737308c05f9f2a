"""Log in and create account: two pages, two actions, so that a mistyped name never becomes an account."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.browser import LOGIN
from engine_app.ui.components.forms import field
from engine_app.ui.components.pieces import notice
from engine_app.ui.components.shell import PostForm, page_frame
from engine_app.ui.places import NEXT
from engine_app.ui.states.door import DoorState

_NOTES = (
    ("scale", "Best of both", "Raydium and Meteora are asked at the same slot. The better price wins."),
    ("shield-check", "Exactly once", "An order is never lost and never executed twice, whatever fails."),
    ("radio", "Live to the millisecond", "Each step of your order is pushed to you as it happens."),
)


def login_page() -> rx.Component:
    """Log in to an account that exists."""
    return _door(
        "login",
        title="Welcome back",
        words="Log in to trade.",
        action="/session/login",
        button="Log in",
        hint=None,
        completes="current-password",
    )


def create_account_page() -> rx.Component:
    """Make a new account."""
    return _door(
        "create-account",
        title="Create your account",
        words="You get a trading address of your own at once.",
        action="/session/create",
        button="Create account",
        hint="At least 8 characters. It cannot be recovered.",
        completes="new-password",
    )


def _door(
    here: str, *, title: str, words: str, action: str, button: str, hint: str | None, completes: str
) -> rx.Component:
    return page_frame(
        rx.el.section(
            rx.el.nav(
                _way(LOGIN, "Log in", current=here == "login"),
                _way("/create-account/", "Create account", current=here == "create-account"),
                class_name="segments",
                aria_label="Log in or create account",
            ),
            rx.el.h1(title),
            rx.el.p(words, class_name="soft"),
            PostForm.create(
                rx.cond(
                    DoorState.problem != "",
                    notice(
                        rx.el.strong(DoorState.problem),
                        " ",
                        DoorState.advice,
                        tone="bad",
                        icon="circle-alert",
                        data_testid="refusal",
                    ),
                ),
                rx.el.input(type="hidden", name=NEXT, value=DoorState.back),
                field("Username", "username", "text", "username", max_length=50),
                field("Password", "password", "password", completes, hint=hint),
                rx.el.button(button, class_name="button button-main", type="submit", data_testid="submit"),
                action=action,
                method="post",
                class_name="form",
            ),
            class_name="card door-card",
        ),
        rx.el.ul(*(_note(*note) for note in _NOTES), class_name="door-notes"),
        class_name="door",
    )


def _way(address: str, label: str, *, current: bool) -> rx.Component:
    return rx.el.a(
        label,
        href=f"{address}{DoorState.query}",
        class_name="segment",
        data_testid=f"to-{address.strip('/')}",
        **({"aria_current": "page"} if current else {}),
    )


def _note(icon: str, title: str, words: str) -> rx.Component:
    return rx.el.li(rx.icon(icon, class_name="icon", aria_hidden=True), rx.el.strong(title), words)
