"""Figures as they are told."""

from __future__ import annotations

import gc

from bench.figures import no_garbage, rounded, spread


def test_next_to_nothing_is_no_negative_nothing() -> None:
    assert f"{rounded(-0.001):g}" == "0"
    assert rounded(-0.014) == -0.01


def test_a_spread_is_where_four_fifths_lie() -> None:
    assert spread(list(range(1, 101))) == {"median": 50.5, "p10": 10, "p90": 90}


def test_the_collector_rests_and_works_again() -> None:
    with no_garbage():
        assert not gc.isenabled()
    assert gc.isenabled()
