"""One order's page: outcome, timeline, tries, quoted against executed, the routing decision, all that happened."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.utils.imports import ImportVar
from reflex.vars import VarData

from engine_app.ui.components.order_parts import (
    attempts_card,
    comparison_card,
    costs_card,
    events_card,
    facts_card,
    outcome_card,
    timeline_card,
)
from engine_app.ui.components.pieces import badge, card, empty, skeleton, token_mark
from engine_app.ui.components.routing_card import routing_card
from engine_app.ui.components.shell import account_page
from engine_app.ui.places import ORDERS
from engine_app.ui.states.history import HistoryState
from engine_app.ui.states.order import OrderState

PATH: rx.Var[str] = rx.Var(
    "path",
    _var_type=str,
    _var_data=VarData(
        hooks={"const { pathname: path } = useLocation()": None},
        imports={"react-router": [ImportVar(tag="useLocation")]},
    ),
)
"""The path that the browser shows. The state learns of it a little later, and has another order until then."""


def one_order_page() -> rx.Component:
    """The order that the address names."""
    shown: Any = OrderState.shown
    return account_page(
        ORDERS,
        rx.cond(
            OrderState.missing & (OrderState.shown_at == PATH),
            card(
                empty(
                    "compass",
                    "There is no such order of yours",
                    "It may be another account's, or its address was mistyped.",
                    rx.el.a("To your orders", href=ORDERS, class_name="button button-main"),
                    data_testid="order-missing",
                ),
                title=rx.el.h1("Order", class_name="card-name"),
            ),
            rx.cond(OrderState.shown & (OrderState.shown_at == PATH), _order(shown), _skeleton()),
        ),
        class_name="page page-order",
    )


def _order(shown: Any) -> rx.Component:
    row = shown.progress.row
    return rx.fragment(
        rx.el.div(
            _way_back(),
            rx.el.div(
                rx.el.div(
                    rx.el.span(
                        token_mark(row.icon_in),
                        rx.cond(row.icon_out != "", token_mark(row.icon_out)),
                        class_name="pair-icons",
                    ),
                    rx.el.h1(
                        rx.el.span(row.paid, class_name="num"),
                        " → ",
                        rx.el.span(row.target, class_name="num"),
                        data_testid="order-title",
                    ),
                    class_name="order-name",
                ),
                badge(row.status_label, row.tone, dot=row.open, data_testid="order-status"),
                rx.cond(shown.progress.tries != "", rx.el.span(shown.progress.tries, class_name="faint small")),
                rx.cond(
                    shown.can_cancel | shown.cancelling,
                    rx.el.button(
                        rx.cond(shown.cancelling, "Cancelling …", "Cancel order"),
                        class_name="button order-cancel",
                        type="button",
                        disabled=shown.cancelling,
                        title="Nothing more is signed for it; what is on its way may still land",
                        on_click=OrderState.cancel,
                        data_testid="cancel",
                    ),
                ),
                class_name="order-head",
            ),
            class_name="order-top",
        ),
        rx.el.div(
            outcome_card(shown.outcome),
            timeline_card(shown),
            attempts_card(shown.attempts),
            facts_card(shown),
            class_name="side",
            data_testid="order-page",
            data_status=row.status,
        ),
        rx.el.div(
            comparison_card(shown.comparison, row.kind),
            rx.cond(row.kind == "swap", routing_card(shown.routing)),
            costs_card(shown.costs),
            class_name="side",
        ),
        rx.el.div(events_card(shown.events), class_name="wide"),
    )


def _way_back() -> rx.Component:
    return rx.el.a(
        rx.icon("arrow-left", class_name="icon", aria_hidden=True),
        "All orders",
        href=HistoryState.list_address,
        class_name="link small",
        data_testid="way-back",
    )


def _skeleton() -> rx.Component:
    def block(rows: int) -> rx.Component:
        return card(
            rx.el.div(*(rx.el.p(skeleton("90%")) for _ in range(rows)), class_name="table-skeleton"),
            title=skeleton("8rem"),
        )

    name = rx.el.h1(skeleton("16rem"), rx.el.span("Order", class_name="visually-hidden"))
    return rx.fragment(
        rx.el.div(_way_back(), rx.el.div(name, class_name="order-head"), class_name="order-top"),
        rx.el.div(block(2), block(6), class_name="side", aria_busy=True),
        rx.el.div(block(4), block(5), class_name="side"),
    )
