"""Orders in a table, and the card of the latest ones."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, card, empty, local_time, out_link, skeleton, token_mark
from engine_app.ui.order_view import OrderRow
from engine_app.ui.places import ORDERS
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


def latest_orders_card() -> rx.Component:
    """The account's latest orders, and the way to all of them."""
    return card(
        rx.cond(
            OrdersState.loaded,
            rx.cond(OrdersState.rows.length() > 0, orders_table(OrdersState.rows, "Latest orders"), _no_orders()),
            table_skeleton(3),
        ),
        title="Latest orders",
        aside=rx.el.a("All orders", href=ORDERS, class_name="link small", data_testid="all-orders"),
        data_testid="history",
    )


def _no_orders() -> rx.Component:
    return empty(
        "arrow-left-right",
        "No orders yet",
        "Every swap stands here from the moment you place it, with each step, what you received and its transaction.",
        data_testid="history-empty",
    )


def orders_table(rows: Any, label: str) -> rx.Component:
    """Orders, newest first, each a way to its own page."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*(rx.el.th(name, class_name=side, scope="col") for name, side in _COLUMNS))),
            rx.el.tbody(rx.foreach(rows, _row)),
            class_name="table",
        ),
        class_name="table-wrap",
        tab_index=0,
        role="region",
        aria_label=label,
    )


def table_skeleton(rows: int) -> rx.Component:
    """The place of a table that is not there yet."""
    return rx.el.div(*(rx.el.p(skeleton("100%")) for _ in range(rows)), class_name="table-skeleton", aria_hidden=True)


def _row(row: OrderRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.span(
                rx.el.span(
                    token_mark(row.icon_in, small=True),
                    rx.cond(row.icon_out != "", token_mark(row.icon_out, small=True)),
                    class_name="pair-icons",
                ),
                rx.el.a(
                    row.token_in,
                    " → ",
                    row.token_out,
                    href=f"{ORDERS}/{row.order_id}",
                    class_name="row-link",
                    data_testid="order-link",
                    custom_attrs={"data-walk": True},
                ),
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
        rx.el.td(
            rx.cond(row.price != "", row.price, _none()),
            class_name="cell-price right num",
            title=rx.cond(row.price != "", f"{row.token_out} per {row.token_in}", ""),
        ),
        rx.el.td(rx.cond(row.venue != "", row.venue, _none()), class_name="cell-venue"),
        rx.el.td(
            badge(row.status_label, row.tone, dot=row.open),
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
