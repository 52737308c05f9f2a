"""How the engine's state reads on the status page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine_app.chain.endpoint import EndpointHealth
from engine_app.orders.oversight import UnderWay
from engine_app.readiness import Check, Report, State
from engine_app.storage.heartbeats import Sign
from engine_app.ui.status_view import StatusBoard, span, status_board

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PARTS = ("postgres", "redis", "rpc", "workers", "orders")


def endpoint(*, available: bool = True, wrong: str | None = None, behind: int = 0) -> EndpointHealth:
    return EndpointHealth("http://node:8899", True, wrong, available, 1_234_567, behind, 3.21)


def board(
    state: State = State.OK,
    *,
    nodes: tuple[EndpointHealth, ...] = (),
    workers: tuple[Sign, ...] = (),
    under_way: tuple[UnderWay, ...] = (),
) -> StatusBoard:
    checks = {part: Check(state, 0.75, "answers") for part in PARTS}
    return status_board(Report(state, checks, nodes, workers, under_way), NOW)


@pytest.mark.parametrize(("state", "tone"), [(State.OK, "good"), (State.DEGRADED, "warn"), (State.DOWN, "bad")])
def test_the_whole_and_each_part_are_said_in_their_tone(state: State, tone: str) -> None:
    shown = board(state)
    assert shown.tone == tone
    assert {part.tone for part in shown.parts} == {tone}
    assert [part.name for part in shown.parts] == list(PARTS)
    assert (shown.parts[0].latency, shown.parts[0].detail) == ("0.8 ms", "Answers.")


@pytest.mark.parametrize(
    ("node", "label", "behind"),
    [
        (endpoint(), "In use", "Foremost"),
        (endpoint(behind=1), "In use", "1 slot behind"),
        (endpoint(behind=40), "Lags", "40 slots behind"),
        (endpoint(available=False), "Not used now", "Foremost"),
        (endpoint(available=False, wrong="another chain"), "Wrong chain", "Foremost"),
    ],
)
def test_a_node_says_whether_it_is_used_and_how_far_behind(node: EndpointHealth, label: str, behind: str) -> None:
    shown = board(nodes=(node,)).nodes[0]
    assert (shown.state_label, shown.behind, shown.slot, shown.latency) == (label, behind, "1,234,567", "3.2 ms")


def test_workers_say_when_they_were_seen() -> None:
    shown = board(workers=(Sign("one", True, 1.2, 3_725.0), Sign("two", False, 90.0, 5.0))).workers
    assert [(row.state_label, row.seen, row.up) for row in shown] == [
        ("Alive", "1 s ago", "1 h 2 min"),
        ("Silent", "1 min 30 s ago", "5 s"),
    ]


def test_the_queue_goes_from_the_first_step_to_the_last() -> None:
    found = (UnderWay("confirmed", "", 4), UnderWay("submitted", "landing", 1_200), UnderWay("pending", "", 2))
    assert [(row.label, row.orders) for row in board(under_way=found).queue] == [
        ("Pending", "2"),
        ("Submitted, waiting to land", "1,200"),
        ("Confirmed, not final yet", "4"),
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.9, "59 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min"), (273_600, "3 d 4 h")],
)
def test_a_span_names_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(seconds) == words
