"""The account page: password, sessions, API keys, security log."""

from __future__ import annotations

import reflex as rx

from engine_app.accounts.models import LONGEST_KEY_NAME
from engine_app.ui import browser
from engine_app.ui.account_view import DAY_CHOICES, SCOPE_WORDS, KeyRow, LogRow, SessionRow
from engine_app.ui.components.confirm_dialog import confirm_dialog
from engine_app.ui.components.dialog import dialog
from engine_app.ui.components.forms import field, secret_form, submit
from engine_app.ui.components.pieces import badge, card, empty, local_time, notice, skeleton
from engine_app.ui.components.shell import PostForm, account_page
from engine_app.ui.places import ACCOUNT
from engine_app.ui.states.account import (
    EVERYWHERE_DIALOG,
    LOG_ROWS,
    NEW_KEY,
    NEW_KEY_DIALOG,
    REVOKE_DIALOG,
    SECRET_DIALOG,
    SECRET_FIELD,
    AccountState,
)


def settings_page() -> rx.Component:
    """What the owner of an account does with it."""
    return account_page(
        ACCOUNT,
        rx.el.div(rx.el.h1("Account"), class_name="page-head"),
        rx.el.div(_password_card(), _log_card(), class_name="halves"),
        _sessions_card(),
        _keys_card(),
        _new_key_dialog(),
        _secret_dialog(),
        _revoke_dialog(),
        _everywhere_dialog(),
        class_name="page page-narrow",
    )


def _keys_card() -> rx.Component:
    return card(
        rx.cond(
            AccountState.account_loaded,
            rx.cond(
                AccountState.keys.length() > 0,
                rx.el.ul(rx.foreach(AccountState.keys, _key), class_name="rows"),
                empty(
                    "key-round",
                    "No API keys",
                    "A key lets a program of yours trade over REST and Socket.IO, with the rights that you give it. "
                    "It can never change your password or make further keys.",
                    data_testid="keys-empty",
                ),
            ),
            rx.el.ul(_row_skeleton(), class_name="rows"),
        ),
        title="API keys",
        aside=rx.el.button(
            rx.icon("plus", class_name="icon", aria_hidden=True),
            "New key",
            class_name="button",
            type="button",
            on_click=AccountState.start_key,
            id=NEW_KEY,
            data_testid="new-key",
        ),
        data_testid="keys",
    )


def _key(key: KeyRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(key.name, class_name="row-name"),
                rx.el.span(key.hint, class_name="mono faint small"),
                rx.foreach(key.scopes, _right),
                class_name="attempt-head",
            ),
            rx.el.div(
                "Made ",
                local_time(key.created_at),
                rx.cond(key.last_used_at != "", rx.fragment(" · used ", local_time(key.last_used_at)), " · never used"),
                rx.cond(key.expires_at != "", rx.fragment(" · until ", local_time(key.expires_at))),
                class_name="row-detail num",
            ),
            class_name="row-words",
        ),
        rx.el.button(
            "Revoke",
            class_name="button button-bad",
            type="button",
            aria_label=f"Revoke {key.name}",
            on_click=AccountState.ask_to_revoke(key.key_id),
            data_testid="revoke-key",
        ),
        class_name="row",
        key=key.key_id.to_string(),
        data_testid="key",
    )


def _right(scope: rx.Var[str]) -> rx.Component:
    return badge(scope)


def _sessions_card() -> rx.Component:
    return card(
        rx.cond(
            AccountState.account_loaded,
            rx.el.ul(rx.foreach(AccountState.sessions, _session), class_name="rows"),
            rx.el.ul(_row_skeleton(), class_name="rows"),
        ),
        title="Sessions",
        aside=rx.el.button(
            "Log out everywhere",
            class_name="button button-bad",
            type="button",
            on_click=browser.open_dialog(EVERYWHERE_DIALOG),
            data_testid="log-out-everywhere",
        ),
        data_testid="sessions",
    )


def _session(session: SessionRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(session.name, class_name="row-name", title=session.agent),
                rx.cond(session.current, badge("This one", "good")),
                class_name="attempt-head",
            ),
            rx.el.div("Since ", local_time(session.opened_at), " · from ", session.ip, class_name="row-detail num"),
            class_name="row-words",
        ),
        rx.cond(
            session.current,
            rx.fragment(),
            rx.el.button(
                "End",
                class_name="button",
                type="button",
                aria_label=f"End the session on {session.name}",
                on_click=AccountState.end_session(session.session_id),
                data_testid="end-session",
            ),
        ),
        class_name="row",
        key=session.session_id.to_string(),
        data_testid="session",
    )


def _password_card() -> rx.Component:
    return card(
        PostForm.create(
            rx.cond(
                AccountState.password_problem != "",
                notice(
                    rx.el.strong(AccountState.password_problem),
                    " ",
                    AccountState.password_advice,
                    tone="bad",
                    icon="circle-alert",
                    data_testid="password-problem",
                ),
            ),
            field("Present password", "password", "password", "current-password"),
            field(
                "New password",
                "new_password",
                "password",
                "new-password",
                hint="At least 8 characters. Every other session ends.",
            ),
            rx.el.button("Change password", class_name="button button-main", type="submit", data_testid="change"),
            action="/session/password",
            method="post",
            class_name="form form-in-card",
        ),
        title="Password",
        data_testid="password-card",
    )


def _log_card() -> rx.Component:
    return card(
        rx.cond(
            AccountState.account_loaded,
            rx.el.ol(rx.foreach(AccountState.security_log, _entry), class_name="rows"),
            rx.el.ul(*(_row_skeleton() for _ in range(LOG_ROWS)), class_name="rows"),
        ),
        title="Security log",
        aside=rx.el.span("Nobody can change it", class_name="faint small"),
        data_testid="security-log",
    )


def _entry(entry: LogRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(rx.el.span(entry.label, class_name="toned", data_tone=entry.tone), class_name="row-name"),
            rx.el.div(local_time(entry.at), " ", entry.facts, class_name="row-detail num"),
            class_name="row-words",
        ),
        class_name="row",
    )


def _new_key_dialog() -> rx.Component:
    return dialog(
        NEW_KEY_DIALOG,
        "New API key",
        secret_form(
            rx.cond(
                AccountState.key_problem != "",
                notice(AccountState.key_problem, tone="bad", icon="circle-alert", data_testid="key-problem"),
            ),
            field("Name", "name", "text", "off", max_length=LONGEST_KEY_NAME, prefix="key", data_focus=True),
            rx.el.fieldset(
                rx.el.legend("What it may do"),
                *(_scope(scope.value, *words) for scope, words in SCOPE_WORDS.items()),
                class_name="choices",
            ),
            rx.el.div(
                rx.el.label("Valid for", html_for="key-days"),
                rx.el.span(
                    rx.el.select(
                        *(rx.el.option(label, value=days) for days, label in DAY_CHOICES), id="key-days", name="days"
                    ),
                    rx.icon("chevron-down", class_name="icon", aria_hidden=True),
                    class_name="select",
                ),
                class_name="form-field",
            ),
            field("Your password", "password", "password", "current-password", prefix="key"),
            submit("Create key", "button button-main", "create-key"),
            wish=AccountState.key_wish,
            on_submit=AccountState.create_key,
            class_name="form form-in-card",
        ),
    )


def _scope(name: str, label: str, words: str) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            id=f"scope-{name}",
            name=name,
            default_checked=name != "withdraw",
            data_testid=f"scope-{name}",
        ),
        rx.el.span(rx.el.strong(label), " ", rx.el.span(words, class_name="soft small")),
        class_name="choice",
    )


def _secret_dialog() -> rx.Component:
    return dialog(
        SECRET_DIALOG,
        "Your new key",
        rx.el.p("Copy it now. It is shown this once and kept nowhere.", class_name="soft small"),
        rx.el.input(
            id=SECRET_FIELD,
            read_only=True,
            auto_complete="off",
            spell_check=False,
            aria_label="The new API key",
            class_name="text-input mono",
            data_testid="key-secret",
        ),
        rx.el.button(
            rx.icon("copy", class_name="icon", aria_hidden=True),
            "Copy key",
            class_name="button button-main",
            type="button",
            on_click=browser.copy_field(SECRET_FIELD, "Key"),
            data_testid="copy-key",
        ),
        rx.el.p(
            "Send it as ", rx.el.code("Authorization: Bearer <key>", class_name="mono"), ".", class_name="faint small"
        ),
    )


def _revoke_dialog() -> rx.Component:
    return confirm_dialog(
        REVOKE_DIALOG,
        f"Revoke {AccountState.revoked_name}?",
        "Whatever trades with this key is refused from then on. It cannot be given back; a new key can be made.",
        rx.el.button(
            "Revoke the key",
            class_name="button button-danger",
            type="button",
            on_click=AccountState.revoke_key(AccountState.revoked_key),
            data_testid="revoke-confirmed",
        ),
    )


def _everywhere_dialog() -> rx.Component:
    return confirm_dialog(
        EVERYWHERE_DIALOG,
        "Log out everywhere?",
        "Every session ends, this one too. API keys stay as they are.",
        PostForm.create(
            rx.el.button(
                "Log out everywhere",
                class_name="button button-danger",
                type="submit",
                data_testid="everywhere-confirmed",
            ),
            action="/session/logout-everywhere",
            method="post",
        ),
    )


def _row_skeleton() -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.div(skeleton("9rem")), rx.el.div(skeleton("16rem")), class_name="row-words"), class_name="row"
    )
