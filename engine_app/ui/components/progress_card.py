"""The newest order: where it is on its way, what it waits for, how it ended."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui.components.pieces import badge, card, local_time, notice, out_link, skeleton
from engine_app.ui.order_view import STEPS, Step
from engine_app.ui.places import ORDERS
from engine_app.ui.states.orders import OrdersState

_LESSON = (
    ("Both venues are asked", "Every Raydium and Meteora pool of the pair, at one slot. The best pays."),
    ("Your floor is set", "What you receive never falls below the quote less your slippage."),
    ("One transaction is sent", "Again and again until it lands, or provably never will. Never twice."),
    ("You see each step live", "From accepted to confirmed, with what really moved."),
)


def progress_card() -> rx.Component:
    """The newest order's card; a lesson in its place until there is one."""
    return rx.cond(
        OrdersState.loaded,
        rx.cond(OrdersState.progress, _order(OrdersState.progress), _lessons()),
        card(
            rx.el.ol(*(_step_skeleton() for _ in STEPS), class_name="steps"),
            title=skeleton("12rem"),
            aria_busy=True,
        ),
    )


def _lessons() -> rx.Component:
    return card(
        rx.el.ol(*(_lesson(index, *texts) for index, texts in enumerate(_LESSON, 1)), class_name="lesson"),
        title="How an order travels",
        id="progress",
        tab_index=-1,
        data_testid="lesson",
    )


def _step_skeleton() -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.span(class_name="step-sign"), class_name="step-mark"),
        rx.el.div(skeleton("10rem"), class_name="step-label"),
        class_name="step",
    )


def _lesson(number: int, title: str, words: str) -> rx.Component:
    return rx.el.li(
        rx.el.span(str(number), class_name="lesson-number", aria_hidden=True),
        rx.el.div(rx.el.strong(title), rx.el.p(words)),
    )


def _order(progress: Any) -> rx.Component:
    row = progress.row
    return card(
        rx.el.ol(rx.foreach(progress.steps, step_row), class_name="steps"),
        rx.cond(progress.failure, _failure(progress.failure)),
        rx.el.div(
            rx.el.span(local_time(row.created_at), class_name="faint small"),
            rx.cond(
                row.explorer != "",
                out_link(rx.el.span(row.tx_short, class_name="mono"), row.explorer, data_testid="progress-explorer"),
            ),
            rx.el.a("Details", href=f"{ORDERS}/{row.order_id}", class_name="link", data_testid="progress-details"),
            class_name="progress-foot",
        ),
        title=rx.el.h2(
            rx.el.span(row.paid, class_name="num"),
            " → ",
            rx.el.span(row.target, class_name="num"),
        ),
        aside=rx.el.span(
            rx.cond(progress.tries != "", rx.el.span(progress.tries, class_name="faint small")),
            badge(row.status_label, row.tone, dot=True, data_testid="progress-status"),
            class_name="progress-title",
        ),
        id="progress",
        tab_index=-1,
        data_testid="progress",
        data_status=row.status,
        aria_live="polite",
    )


def step_row(step: Step) -> rx.Component:
    """One step of an order's way."""
    return rx.el.li(
        rx.el.div(
            rx.el.span(
                rx.match(
                    step.state,
                    ("done", rx.icon("check", class_name="icon")),
                    ("failed", rx.icon("x", class_name="icon")),
                    ("active", rx.el.span(class_name="spinner")),
                    rx.fragment(),
                ),
                class_name="step-sign",
                aria_hidden=True,
            ),
            class_name="step-mark",
        ),
        rx.el.div(
            rx.el.div(step.label, class_name="step-label"),
            rx.cond(step.detail != "", rx.el.div(step.detail, class_name="step-detail num")),
        ),
        rx.el.span(
            rx.cond(step.took != "", rx.el.span(step.took, class_name="step-took", title="In this step, all tries")),
            rx.el.span(step.elapsed, title="Since it was placed"),
            class_name="step-time num",
        ),
        class_name="step",
        data_state=step.state,
        data_testid=f"step-{step.name}",
    )


def _failure(failure: Any) -> rx.Component:
    return notice(
        rx.el.div(
            rx.el.strong(failure.happened),
            rx.el.p(failure.money),
            rx.el.p(failure.next_step),
            rx.el.p(failure.code, class_name="mono faint"),
            class_name="failure",
        ),
        tone="bad",
        icon="circle-alert",
        data_testid="failure",
    )
