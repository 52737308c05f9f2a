"""The status page: parts, Solana nodes, workers, queue."""

from __future__ import annotations

import reflex as rx

from engine_app.ui.components.pieces import badge, card, empty, local_time, skeleton
from engine_app.ui.components.shell import account_page
from engine_app.ui.places import STATUS
from engine_app.ui.states.status import StatusState
from engine_app.ui.status_view import NodeRow, PartRow, QueueRow, WorkerRow

PART_COUNT = 5


def status_page() -> rx.Component:
    """Whether orders can be accepted and executed now, and what stands in their way."""
    board = StatusState.board
    return account_page(
        STATUS,
        rx.el.div(
            rx.el.h1("Status"),
            rx.el.span(
                rx.cond(StatusState.board_loaded, rx.fragment("As of ", local_time(board.asked_at)), skeleton("12rem")),
                class_name="faint small num",
            ),
            class_name="page-head",
        ),
        rx.el.section(
            rx.el.span(class_name="status-light", aria_hidden=True),
            rx.el.div(
                rx.cond(
                    StatusState.board_loaded,
                    rx.el.h2(board.headline),
                    rx.el.h2(skeleton("14rem"), rx.el.span("All parts", class_name="visually-hidden")),
                ),
                rx.el.p(rx.cond(StatusState.board_loaded, board.words, skeleton("22rem")), class_name="soft small"),
            ),
            class_name="card status-head",
            data_tone=board.tone,
            role="status",
            data_testid="overall",
        ),
        card(
            rx.cond(
                StatusState.board_loaded,
                rx.el.ul(rx.foreach(board.parts, _part), class_name="rows"),
                rx.el.ul(*(_row_skeleton() for _ in range(PART_COUNT)), class_name="rows"),
            ),
            title="Parts",
            data_testid="parts",
        ),
        card(
            rx.cond(
                StatusState.board_loaded,
                rx.el.ul(rx.foreach(board.nodes, _node), class_name="rows"),
                rx.el.ul(_row_skeleton(), class_name="rows"),
            ),
            title="Solana nodes",
            data_testid="nodes",
        ),
        rx.el.div(
            card(
                rx.cond(
                    StatusState.board_loaded,
                    rx.cond(
                        board.workers.length() > 0,
                        rx.el.ul(rx.foreach(board.workers, _worker), class_name="rows"),
                        empty("cpu", "No worker was seen", "Orders are kept and executed once one starts."),
                    ),
                    rx.el.ul(_row_skeleton(), _row_skeleton(), class_name="rows"),
                ),
                title="Workers",
                data_testid="workers",
            ),
            card(
                rx.cond(
                    StatusState.board_loaded,
                    rx.cond(
                        board.queue.length() > 0,
                        rx.el.ul(rx.foreach(board.queue, _queue), class_name="rows"),
                        empty("inbox", "Nothing under way", "Orders of all accounts that are not final stand here."),
                    ),
                    rx.el.ul(_row_skeleton(), class_name="rows"),
                ),
                title="Orders under way",
                data_testid="queue",
            ),
            class_name="halves",
        ),
        class_name="page page-narrow",
    )


def _part(part: PartRow) -> rx.Component:
    return _row(
        part.label,
        part.detail,
        rx.el.span(part.latency, class_name="faint num", title="How long it took to answer"),
        badge(part.state_label, part.tone),
        test_id=f"part-{part.name}",
        hint=part.purpose,
    )


def _node(node: NodeRow) -> rx.Component:
    return _row(
        node.name,
        rx.el.span(node.behind, rx.cond(node.slot != "", f" · slot {node.slot}", ""), class_name="num"),
        rx.el.span(node.latency, class_name="faint num", title="Moving mean of its answers' time"),
        badge(node.state_label, node.tone),
        test_id="node",
    )


def _worker(worker: WorkerRow) -> rx.Component:
    return _row(
        worker.name,
        rx.el.span("Seen ", worker.seen, " · up ", worker.up, class_name="num"),
        rx.fragment(),
        badge(worker.state_label, worker.tone),
        test_id="worker",
    )


def _queue(row: QueueRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.label, class_name="row-name"), rx.el.span(row.orders, class_name="num"), class_name="row"
    )


def _row(
    name: str | rx.Var[str],
    detail: rx.Component | rx.Var[str],
    figure: rx.Component,
    state: rx.Component,
    *,
    test_id: str | rx.Var[str],
    hint: str | rx.Var[str] = "",
) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(name, class_name="row-name", title=hint),
            rx.el.div(detail, class_name="row-detail"),
            class_name="row-words",
        ),
        figure,
        state,
        class_name="row",
        data_testid=test_id,
    )


def _row_skeleton() -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(skeleton("8rem"), class_name="row-name"),
            rx.el.div(skeleton("14rem"), class_name="row-detail"),
            class_name="row-words",
        ),
        class_name="row",
    )
