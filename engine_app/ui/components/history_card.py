"""The history of orders, live."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, card, empty, local_time, out_link, skeleton, token_mark
from engine_app.ui.order_view import OrderRow
from engine_app.ui.states.orders import OrdersState

_COLUMNS = (
    ("Order", ""),
    ("Paid", "right"),
    ("Received", "right"),
    ("Price", "right"),
    ("Venue", ""),
    ("Status", ""),
    ("Placed", ""),
    ("Transaction", "right"),
)


def history_card() -> rx.Component:
    """The account's orders, newest first."""
    return card(
        rx.cond(
            OrdersState.loaded,
            rx.cond(OrdersState.rows.length() > 0, _table(), _no_orders()),
            rx.el.div(*(rx.el.p(skeleton(width)) for width in ("70%", "85%", "60%")), class_name="lesson"),
        ),
        title="Orders",
        aside=rx.cond((OrdersState.page > 0) | OrdersState.has_older, _pager()),
        data_testid="history",
    )


def _no_orders() -> rx.Component:
    return empty(
        "arrow-left-right",
        "No orders yet",
        "Every swap stands here from the moment you place it, with each step, what you received and its transaction.",
        data_testid="history-empty",
    )


def _table() -> rx.Component:
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*(rx.el.th(name, class_name=side, scope="col") for name, side in _COLUMNS))),
            rx.el.tbody(rx.foreach(OrdersState.rows, _row)),
            class_name="table",
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label="Orders",
    )


def _row(row: OrderRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.span(
                rx.el.span(
                    token_mark(row.icon_in, small=True),
                    rx.cond(row.icon_out != "", token_mark(row.icon_out, small=True)),
                    class_name="pair-icons",
                ),
                rx.el.span(row.token_in, " → ", row.token_out),
                class_name="pair",
            ),
            class_name="cell-pair",
        ),
        rx.el.td(row.paid, class_name="cell-paid right num"),
        rx.el.td(
            rx.cond(
                row.received != "",
                rx.el.span(row.received, class_name=rx.cond(row.received_is_final, "", "faint")),
                _none(),
            ),
            class_name="cell-received right num",
        ),
        rx.el.td(rx.cond(row.price != "", row.price, _none()), class_name="cell-price right num"),
        rx.el.td(rx.cond(row.venue != "", row.venue, _none()), class_name="cell-venue"),
        rx.el.td(
            badge(row.status_label, row.tone, dot=row.status != "confirmed"),
            rx.cond(row.error_words != "", rx.el.span(row.error_words, class_name="cell-note")),
            class_name="cell-status",
        ),
        rx.el.td(local_time(row.created_at), class_name="cell-time soft num"),
        rx.el.td(
            rx.cond(
                row.explorer != "",
                out_link(rx.el.span(row.tx_short, class_name="mono"), row.explorer),
                _none(),
            ),
            class_name="cell-tx right",
        ),
        key=row.order_id,
        data_testid="order",
        data_status=row.status,
        data_order=row.order_id,
    )


def _none() -> rx.Component:
    return rx.el.span("–", class_name="faint none")


def _pager() -> rx.Component:
    return rx.el.div(
        rx.el.span("Page ", OrdersState.page + 1, class_name="faint small num"),
        _turn("chevron-left", "Newer orders", OrdersState.newer, OrdersState.page == 0, "newer"),
        _turn("chevron-right", "Older orders", OrdersState.older, ~OrdersState.has_older, "older"),
        class_name="pager",
    )


def _turn(icon: str, label: str, handler: Any, disabled: Any, test_id: str) -> rx.Component:
    return rx.el.button(
        rx.icon(icon, class_name="icon", aria_hidden=True),
        class_name="button button-icon",
        type="button",
        aria_label=label,
        title=label,
        disabled=disabled,
        on_click=handler,
        data_testid=test_id,
    )
