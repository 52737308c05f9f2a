"""The list of what moved in and out of the wallet."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.activity import ActivityRow
from engine_app.ui.components.pieces import badge, card, empty, local_time, notice, out_link, skeleton
from engine_app.ui.states.activity import ActivityState


def activity_card() -> rx.Component:
    """Deposits, withdrawals and swaps, the newest first."""
    return card(
        rx.cond(
            ActivityState.activity_trouble != "",
            notice(ActivityState.activity_trouble, tone="warn", icon="circle-alert"),
        ),
        rx.cond(
            ActivityState.activity_loaded,
            rx.cond(
                ActivityState.activity.length() > 0,
                rx.el.ul(rx.foreach(ActivityState.activity, _row), class_name="rows"),
                empty(
                    "history",
                    "Nothing has moved yet",
                    "What others send you, what you send away and what you swap stands here, newest first.",
                    data_testid="activity-empty",
                ),
            ),
            rx.el.ul(*(rx.el.li(skeleton("14rem"), class_name="row") for _ in range(4)), class_name="rows"),
        ),
        title="Activity",
        data_testid="activity",
    )


def _row(row: ActivityRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.match(
                row.kind,
                ("deposit", rx.icon("arrow-down-left", class_name="icon")),
                ("transfer", rx.icon("arrow-up-right", class_name="icon")),
                rx.icon("arrow-left-right", class_name="icon"),
            ),
            class_name="activity-mark",
            data_kind=row.kind,
            aria_hidden=True,
        ),
        rx.el.div(
            rx.el.div(row.title, class_name="row-name num"),
            rx.el.div(
                row.detail,
                rx.cond(row.at != "", rx.fragment(" · ", local_time(row.at))),
                class_name="row-detail",
            ),
            class_name="row-words",
        ),
        rx.el.div(
            rx.cond(row.status_label != "", badge(row.status_label, row.tone)),
            rx.cond(row.explorer != "", out_link(rx.el.span(row.tx_short, class_name="mono small"), row.explorer)),
            class_name="activity-end",
        ),
        class_name="row",
        key=row.key,
        data_kind=row.kind,
        data_testid="activity-row",
    )
