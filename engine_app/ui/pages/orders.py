"""The history page: every order, filtered, searched, paged, live."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.day_input import day_input
from engine_app.ui.components.orders_table import orders_table, table_skeleton
from engine_app.ui.components.pieces import card, empty
from engine_app.ui.components.shell import account_page
from engine_app.ui.components.typed_input import typed_input
from engine_app.ui.history import FIRST_YEAR, LAST_YEAR, LONGEST_SEARCH, OWN_DATES
from engine_app.ui.places import ORDERS
from engine_app.ui.states.history import HistoryState

SEARCH_MS = 250
DATE_MS = 800
ANY = "any"
"""What a choice without restriction is called in the browser, where an empty value cannot be told from none."""

_STATUSES = (("", "All"), ("open", "Under way"), ("confirmed", "Confirmed"), ("failed", "Failed"))
_KINDS = (("", "All kinds"), ("swap", "Swaps"), ("transfer", "Withdrawals"))
_TIMES = (
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    (OWN_DATES, "Custom dates"),
)


def orders_page() -> rx.Component:
    """The account's orders, newest first."""
    return account_page(
        ORDERS,
        rx.el.div(
            rx.el.h1("Orders"),
            rx.el.a(
                rx.icon("download", class_name="icon", aria_hidden=True),
                "CSV",
                href=f"/session/orders.csv{HistoryState.query}",
                reload_document=True,
                download="orders.csv",
                class_name="button",
                title="Download all orders that are shown, every page of them",
                data_testid="csv",
            ),
            class_name="page-head",
        ),
        card(
            rx.cond(
                HistoryState.history_loaded,
                rx.cond(
                    HistoryState.history.length() > 0,
                    orders_table(HistoryState.history, "Orders"),
                    rx.cond(HistoryState.filtered, _nothing_found(), _no_orders()),
                ),
                table_skeleton(8),
            ),
            rx.cond((HistoryState.page > 0) | HistoryState.has_older, _pager()),
            title=_filters(),
            id="history",
            data_testid="history",
        ),
        class_name="page page-wide",
    )


def _filters() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            *(
                rx.el.button(
                    label,
                    class_name="segment",
                    type="button",
                    aria_pressed=rx.cond(HistoryState.status == value, "true", "false"),
                    on_click=HistoryState.narrow("status", value),
                    data_testid=f"status-{value or ANY}",
                )
                for value, label in _STATUSES
            ),
            class_name="segments",
            role="group",
            aria_label="Status",
        ),
        _select("token", "Token", HistoryState.token, _token_options()),
        _select("kind", "Kind", HistoryState.kind, _options(_KINDS)),
        _select("since", "Time", HistoryState.since, _options(_TIMES)),
        rx.cond(
            HistoryState.since == OWN_DATES,
            rx.el.div(
                _date("from", "From", HistoryState.placed_from, last=False),
                _date("to", "To", HistoryState.placed_before, last=True),
                class_name="dates",
                role="group",
                aria_label="Placed between",
            ),
        ),
        rx.el.div(
            rx.icon("search", class_name="icon", aria_hidden=True),
            typed_input(
                value=HistoryState.search,
                delay=SEARCH_MS,
                on_typed=HistoryState.narrow("search"),
                placeholder="Order or transaction",
                type="search",
                auto_complete="off",
                spell_check=False,
                max_length=LONGEST_SEARCH,
                aria_label="Search by order or transaction",
                title="Press / to search",
                custom_attrs={"aria-keyshortcuts": "/"},
                data_testid="search",
            ),
            rx.el.kbd("/", aria_hidden=True),
            class_name="search",
        ),
        rx.cond(
            HistoryState.filtered,
            rx.el.button(
                "Clear",
                class_name="button button-quiet",
                type="button",
                on_click=HistoryState.widen,
                data_testid="clear",
            ),
        ),
        class_name="filters",
        role="search",
    )


def _date(name: str, label: str, moment: rx.Var[str], *, last: bool) -> rx.Component:
    trouble = HistoryState.date_troubles.get(name, "")
    return rx.el.div(
        rx.el.label(label, html_for=f"placed-{name}"),
        day_input(
            id=f"placed-{name}",
            value=moment,
            last=last,
            delay=DATE_MS,
            min=f"{FIRST_YEAR}-01-02",
            max=f"{LAST_YEAR}-12-30",
            on_day=HistoryState.narrow(name),
            aria_invalid=rx.cond(trouble != "", "true", "false"),
            custom_attrs={"aria-describedby": f"{name}-trouble"},
            data_testid=f"placed-{name}",
        ),
        rx.el.p(trouble, id=f"{name}-trouble", class_name="date-trouble", role="alert", data_testid=f"{name}-trouble"),
        class_name="date",
    )


def _select(name: str, label: str, value: Any, options: Any) -> rx.Component:
    return rx.el.span(
        rx.el.select(
            options,
            value=value,
            on_change=HistoryState.narrow(name),
            aria_label=label,
            data_testid=f"choose-{name}",
        ),
        rx.icon("chevron-down", class_name="icon", aria_hidden=True),
        class_name="select",
    )


def _options(choices: tuple[tuple[str, str], ...]) -> rx.Component:
    return rx.fragment(*(rx.el.option(label, value=value) for value, label in choices))


def _token_options() -> rx.Component:
    return rx.fragment(
        rx.el.option("All tokens", value=""),
        rx.foreach(HistoryState.token_choices, lambda symbol: rx.el.option(symbol, value=symbol)),
    )


def _no_orders() -> rx.Component:
    return empty(
        "list",
        "No orders yet",
        "Each order stands here for good: what was quoted, what you received, every try and its transaction. "
        "Place your first swap to see how one travels.",
        rx.el.a("To the trade page", href="/", class_name="button button-main"),
        data_testid="history-empty",
    )


def _nothing_found() -> rx.Component:
    return empty(
        "search-x",
        "No order is like that",
        rx.cond(
            HistoryState.search != "",
            "Search finds an order by its whole id, or by the whole signature of any of its transactions.",
            "You have orders of another time, kind or state, perhaps. Take a filter off to see them.",
        ),
        rx.el.button("Show all orders", class_name="button button-main", type="button", on_click=HistoryState.widen),
        data_testid="history-none-found",
    )


def _pager() -> rx.Component:
    return rx.el.nav(
        rx.el.span("Page ", HistoryState.page + 1, class_name="faint small num", data_testid="page-number"),
        _turn("left", "Newer", HistoryState.newer, disabled=HistoryState.page == 0, key="p"),
        _turn("right", "Older", HistoryState.older, disabled=~HistoryState.has_older, key="n"),
        class_name="pager",
        aria_label="Pages",
    )


def _turn(side: str, which: str, handler: Any, *, disabled: Any, key: str) -> rx.Component:
    # One that leads nowhere keeps the focus of who has just turned to the last page with it.
    return rx.el.button(
        rx.icon(f"chevron-{side}", class_name="icon", aria_hidden=True),
        class_name="button button-icon",
        type="button",
        aria_label=f"{which} orders",
        title=f"{which} orders ({key.upper()})",
        aria_disabled=rx.cond(disabled, "true", "false"),
        on_click=handler,
        custom_attrs={"aria-keyshortcuts": key},
        data_testid=which.lower(),
    )
