"""The table of aims has every aim, whatever was measured, and says of each whether it is met."""

from __future__ import annotations

from typing import Any

from bench import live_updates
from bench.aims import Aim, aims

CPU = {"CPU of web, ms": 8.0, "CPU of workers, ms": 16.0, "CPU of supervisor, ms": 0.5}
PAGES = {kind: {"p50": 9.0, "p95": 19.0} for kind in ("newest", "far back", "failed ones", "of a token")}


def measured(**changed: Any) -> dict[str, Any]:
    """What a whole run finds where every aim is met."""
    run = {
        "pace": 30.0, "orders a minute": 1800, "lost": 0, "late": 0, "refused": {}, "gave up": False,
        "submit to confirmed": {"p95": 1500.0}, "an order": CPU,
    }  # fmt: skip
    found = {
        "mode": "full",
        "one at a time": {
            "ratio": {"p50": 1.1, "p95": 1.15},
            "calls": {"sendTransaction": 4.0},
            "written to socket": {"p95": 6.0},
        },
        "pickup": {"p95": 6.0},
        "cost": {"pace": 4.0, "parts": [CPU, CPU, CPU]},
        "live": {live_updates.ALONE: {"p95": 13.0}},
        "sustained": {"engine": run, "memory, MB": {"workers": 149.0}},
        "history": [{"rows": 1_000_000, **PAGES}],
    }
    return found | changed


def by_what(found: dict[str, Any]) -> dict[str, Aim]:
    return {aim.what: aim for aim in aims(found)}


def test_every_aim_can_be_met() -> None:
    found = by_what(measured())
    assert len(found) == 12
    assert {aim.verdict for aim in found.values()} == {"yes"}


def test_one_that_is_missed_says_no() -> None:
    found = by_what(measured(pickup={"p95": 10.0}))
    assert [aim.what for aim in found.values() if aim.met is False] == ["enqueued → started, p95"]
    assert found["enqueued → started, p95"].verdict == "**no**"


def test_processor_time_is_the_middle_one_of_the_parts_and_tells_all_kinds_of_processes() -> None:
    dear = CPU | {"CPU of Postgres, ms": 9.0}
    aim = by_what(measured(cost={"pace": 4.0, "parts": [dear, CPU, dear]}))[
        "CPU an order, 4 a second, all processes of ours"
    ]
    assert (aim.measured, aim.met) == ("33.5 ms (24.5 to 33.5)", False)


def test_the_page_stays_in_the_table_where_it_was_not_measured() -> None:
    what = "published → the document of one tab, p95"
    aim = by_what(measured(live={"not measured": "there is no Chromium on this machine"}))[what]
    assert (aim.measured, aim.verdict) == ("there is no Chromium on this machine", "not measured")


def test_a_quick_look_has_the_same_aims() -> None:
    quick = measured(mode="quick")
    del quick["live"], quick["cost"]
    found = by_what(quick)
    assert found.keys() == by_what(measured()).keys()
    assert {aim.what for aim in found.values() if aim.met is None} == {
        "orders a minute for five minutes, none late, lost or refused",
        "CPU an order, 4 a second, all processes of ours",
        "published → the document of one tab, p95",
    }
