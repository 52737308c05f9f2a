"""The form that sends funds away, and the book of addresses."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.orders.address_book import LONGEST_LABEL
from engine_app.ui.components.confirm_dialog import confirm_dialog
from engine_app.ui.components.forms import field, secret_form, submit
from engine_app.ui.components.pieces import card, local_time, notice
from engine_app.ui.components.typed_input import typed_input
from engine_app.ui.states.wallet import BalanceRow, WalletState
from engine_app.ui.states.withdraw import FORGET_DIALOG, BookRow, WithdrawState

TYPING_MS = 300


def withdraw_card() -> rx.Component:
    """Token, amount, address, password."""
    return card(
        secret_form(
            rx.el.div(
                _labelled("Token", "withdraw-token", _token_select()),
                _labelled("Amount", "withdraw-amount", _amount()),
                class_name="withdraw-what",
            ),
            rx.cond(
                WithdrawState.everything != "",
                rx.el.p(WithdrawState.everything, class_name="faint small", role="status", data_testid="everything"),
            ),
            _labelled(
                "To",
                "withdraw-to",
                typed_input(
                    id="withdraw-to",
                    name="address",
                    value=WithdrawState.to,
                    delay=TYPING_MS,
                    on_typed=WithdrawState.set_to,
                    placeholder="A wallet's address",
                    auto_complete="off",
                    spell_check=False,
                    max_length=64,
                    class_name="text-input mono",
                    data_testid="withdraw-to",
                ),
            ),
            rx.cond(
                WithdrawState.book_waits != "",
                rx.el.p(
                    "Only addresses of your book, once they have waited ",
                    WithdrawState.book_waits,
                    ". That is your time to notice a thief.",
                    class_name="faint small",
                ),
            ),
            _password("withdraw"),
            rx.cond(
                WithdrawState.refusal != "",
                notice(WithdrawState.refusal, tone="bad", icon="circle-alert", data_testid="withdraw-refusal"),
            ),
            submit("Withdraw", "button button-main", "withdraw"),
            wish=WithdrawState.wish,
            on_submit=WithdrawState.send,
            class_name="form form-tight",
        ),
        title="Withdraw",
        data_testid="withdraw-card",
    )


def address_book_card() -> rx.Component:
    """The addresses that were given names."""
    return card(
        rx.cond(
            WithdrawState.book.length() > 0,
            rx.el.ul(rx.foreach(WithdrawState.book, _book_row), class_name="rows"),
            rx.el.p("Addresses that you send to again: with names of your own.", class_name="soft small"),
        ),
        rx.el.details(
            rx.el.summary(
                rx.el.span("Add an address", class_name="soft"),
                rx.el.span(class_name="fold-value"),
                rx.icon("chevron-down", class_name="icon", aria_hidden=True),
                data_testid="book-unfold",
            ),
            secret_form(
                field("Address", "address", "text", "off", prefix="book", max_length=64),
                field("Name", "label", "text", "off", prefix="book", required=False, max_length=LONGEST_LABEL),
                _password("book"),
                rx.cond(
                    WithdrawState.book_refusal != "",
                    notice(WithdrawState.book_refusal, tone="bad", icon="circle-alert", data_testid="book-refusal"),
                ),
                submit("Add", "button", "book-add"),
                on_submit=WithdrawState.remember,
                class_name="form form-tight",
            ),
            class_name="fold",
        ),
        title="Address book",
        data_testid="book",
    )


def forget_dialog() -> rx.Component:
    """Asks before an address leaves the book."""
    return confirm_dialog(
        FORGET_DIALOG,
        f"Remove {WithdrawState.forgotten_name}?",
        "Withdrawals to it that are under way go on. Put in again, it waits as any new address does.",
        rx.el.button(
            "Remove the address",
            class_name="button button-danger",
            type="button",
            on_click=WithdrawState.forget(WithdrawState.forgotten),
            data_testid="forget-confirmed",
        ),
    )


def _labelled(label: str, field: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.label(label, html_for=field), control, class_name="form-field")


def _token_select() -> rx.Component:
    return rx.el.span(
        rx.el.select(
            rx.foreach(WalletState.balances, _token_option),
            id="withdraw-token",
            name="token",
            value=WithdrawState.what,
            on_change=WithdrawState.set_what,
            data_testid="withdraw-token",
        ),
        rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        class_name="select",
    )


def _token_option(balance: BalanceRow) -> rx.Component:
    return rx.el.option(f"{balance.label} · {balance.amount}", value=balance.token)


def _amount() -> rx.Component:
    return rx.el.div(
        typed_input(
            id="withdraw-amount",
            name="amount",
            value=WithdrawState.how_much,
            delay=TYPING_MS,
            on_typed=WithdrawState.set_how_much,
            placeholder="0",
            input_mode="decimal",
            auto_complete="off",
            max_length=40,
            class_name="text-input num",
            data_testid="withdraw-amount",
        ),
        rx.el.button(
            "All",
            class_name="button button-chip",
            type="button",
            title="Everything; of SOL, what is left when the fee is paid",
            on_click=WithdrawState.send_all,
            data_testid="withdraw-all",
        ),
        class_name="withdraw-amount",
    )


def _password(form: str) -> rx.Component:
    return field("Your password, once more", "password", "password", "current-password", prefix=form, max_length=1_000)


def _book_row(row: BookRow) -> rx.Component:
    named: Any = rx.cond(row.label != "", row.label, row.address_short)
    return rx.el.li(
        rx.el.div(
            rx.el.div(named, class_name="row-name"),
            rx.el.div(
                rx.el.span(row.address_short, class_name="mono", title=row.address),
                rx.cond(row.usable_at != "", rx.el.span(" · usable from ", local_time(row.usable_at))),
                class_name="row-detail",
            ),
            class_name="row-words",
        ),
        rx.el.button(
            "Use",
            class_name="button",
            type="button",
            disabled=row.usable_at != "",
            aria_label=f"Withdraw to {named}",
            on_click=WithdrawState.set_to(row.address),
            data_testid="book-use",
        ),
        rx.el.button(
            rx.icon("trash-2", class_name="icon", aria_hidden=True),
            class_name="button button-quiet button-icon",
            type="button",
            aria_label=f"Remove {named}",
            title="Remove",
            on_click=WithdrawState.ask_to_forget(row.address),
            data_testid="book-forget",
        ),
        class_name="row",
        key=row.address,
        data_testid="book-row",
    )
