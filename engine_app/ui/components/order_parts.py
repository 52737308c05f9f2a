"""The cards of an order's page."""

from __future__ import annotations

from typing import Any

import reflex as rx

from engine_app.ui import browser
from engine_app.ui.components.pieces import badge, card, copy_button, empty, local_time, out_link
from engine_app.ui.components.progress_card import step_row
from engine_app.ui.order_page import Attempt, EventLine, Fact


def outcome_card(outcome: Any) -> rx.Component:
    """What became of the order, or what is known so far; it keeps its height while that changes."""
    return rx.el.section(
        rx.match(
            outcome.state,
            ("confirmed", rx.icon("circle-check", class_name="icon outcome-icon", aria_hidden=True)),
            ("failed", rx.icon("circle-alert", class_name="icon outcome-icon", aria_hidden=True)),
            ("unknown", rx.icon("hourglass", class_name="icon outcome-icon", aria_hidden=True)),
            rx.el.span(class_name="spinner outcome-icon", aria_hidden=True),
        ),
        rx.el.div(
            rx.el.h2(outcome.title),
            rx.el.p(outcome.words),
            rx.cond(outcome.next_step != "", rx.el.p(rx.el.strong("What to do: "), outcome.next_step)),
            rx.cond(outcome.width != "", _life_left(outcome)),
            rx.cond(
                outcome.code != "",
                rx.el.div(
                    rx.el.code(outcome.code, class_name="mono"),
                    rx.el.button(
                        rx.icon("copy", class_name="icon", aria_hidden=True),
                        "Copy details",
                        class_name="button",
                        type="button",
                        on_click=browser.copy(outcome.details, "Details"),
                        data_testid="copy-details",
                    ),
                    class_name="outcome-foot",
                ),
            ),
            class_name="outcome-words",
        ),
        class_name="card outcome",
        data_tone=outcome.tone,
        data_testid="outcome",
        data_state=outcome.state,
        aria_live="polite",
    )


def _life_left(outcome: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.el.span(class_name="life-left", style={"width": outcome.width}), class_name="life"),
        rx.el.span(
            rx.el.strong(outcome.blocks, class_name="num", data_testid="blocks-left"),
            " blocks left in which it may still land",
            class_name="small soft",
        ),
        class_name="life-box",
    )


def timeline_card(shown: Any) -> rx.Component:
    """The five steps, when each was reached and how long it took."""
    return card(
        rx.el.ol(rx.foreach(shown.progress.steps, step_row), class_name="steps"),
        title="Timeline",
        aside=rx.el.span(local_time(shown.placed_at), class_name="faint small num"),
        data_testid="timeline",
    )


def attempts_card(attempts: Any) -> rx.Component:
    """Every try with its transaction."""
    return card(
        rx.cond(
            attempts.length() > 0,
            rx.el.ol(rx.foreach(attempts, _attempt), class_name="rows"),
            empty("send", "Nothing was signed", "A try stands here from the moment before its transaction leaves."),
        ),
        title="Tries",
        data_testid="attempts",
    )


def _attempt(attempt: Attempt) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(attempt.title, class_name="row-name"),
                badge(attempt.state_label, attempt.tone, dot=attempt.live),
                class_name="attempt-head",
            ),
            rx.cond(attempt.words != "", rx.el.div(attempt.words, class_name="row-detail")),
            rx.cond(attempt.life != "", rx.el.div(attempt.life, class_name="row-detail num", data_testid="life")),
            rx.cond(
                attempt.signature != "",
                rx.el.div(
                    out_link(
                        rx.el.span(attempt.signature_short, class_name="mono"),
                        attempt.explorer,
                        title=attempt.signature,
                        data_testid="attempt-explorer",
                    ),
                    copy_button(attempt.signature, "signature", "copy-signature"),
                    class_name="attempt-tx",
                ),
            ),
            class_name="row-words",
        ),
        class_name="row",
        key=attempt.title,
        data_testid="attempt",
    )


def comparison_card(comparison: Any, kind: Any) -> rx.Component:
    """Quoted against executed."""
    return card(
        rx.el.dl(
            _line("Quoted", comparison.quoted, "quoted"),
            _line("Never less than", comparison.floor, "floor"),
            _line("Executed", comparison.executed, "executed"),
            _line("Difference", comparison.difference, "difference", tone=comparison.tone),
            rx.cond(kind == "swap", _line("Price", comparison.rate, "rate")),
            class_name="facts",
        ),
        title=rx.cond(kind == "swap", "Quoted against executed", "Sent against arrived"),
        data_testid="comparison",
    )


def _line(name: str, value: Any, test_id: str, tone: Any = "") -> rx.Component:
    return rx.el.div(
        rx.el.dt(name),
        rx.el.dd(
            rx.cond(
                value != "", rx.el.span(value, class_name="toned", data_tone=tone), rx.el.span("–", class_name="faint")
            ),
            class_name="num",
            data_testid=test_id,
        ),
        class_name="fact",
    )


def costs_card(costs: Any) -> rx.Component:
    """What the landed transaction cost."""
    return rx.cond(
        costs.length() > 0,
        card(rx.el.dl(rx.foreach(costs, _fact), class_name="facts"), title="Costs", data_testid="costs"),
    )


def facts_card(shown: Any) -> rx.Component:
    """What was asked for, and when."""
    return card(
        rx.el.dl(
            rx.foreach(shown.facts, _fact),
            _moment("Placed", shown.placed_at),
            rx.cond(shown.progress.row.open, _moment("Nothing is signed after", shown.expires_at)),
            rx.cond(shown.finalized_at != "", _moment("Final", shown.finalized_at)),
            class_name="facts",
        ),
        title="Order",
        data_testid="facts",
    )


def _fact(fact: Fact) -> rx.Component:
    return rx.el.div(
        rx.el.dt(fact.label),
        rx.el.dd(
            rx.el.span(fact.value, title=fact.exact),
            rx.cond(fact.exact != "", copy_button(fact.exact, "value", "copy-fact")),
            class_name="num",
        ),
        class_name="fact",
    )


def _moment(label: str, at: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(label), rx.el.dd(local_time(at), class_name="num"), class_name="fact")


def events_card(events: Any) -> rx.Component:
    """All that happened, as the database keeps it."""
    return card(
        rx.el.ol(rx.foreach(events, _event), class_name="events"),
        title="All events",
        data_testid="events",
    )


def _event(event: EventLine) -> rx.Component:
    return rx.el.li(
        rx.el.span(event.seq, class_name="faint num"),
        rx.el.span(event.label, class_name="row-name"),
        rx.el.span(event.facts, class_name="row-detail mono"),
        rx.el.time(event.elapsed, class_name="num soft", date_time=event.at, title=event.at),
        class_name="event",
        key=event.seq.to_string(),
        data_testid="event",
    )
