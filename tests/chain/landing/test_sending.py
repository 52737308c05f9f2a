from __future__ import annotations

from itertools import pairwise

import pytest

from engine_app.chain.landing.sending import seconds_to_next


def test_re_sends_come_often_for_five_seconds_and_then_every_two() -> None:
    moments = [0.0]
    while moments[-1] < 12:
        moments.append(moments[-1] + seconds_to_next(moments[-1]))
    gaps = [after - before for before, after in pairwise(moments)]
    eager = [gap for moment, gap in zip(moments, gaps, strict=False) if moment < 5]
    patient = [gap for moment, gap in zip(moments, gaps, strict=False) if moment >= 5]
    assert all(0.4 <= gap <= 0.5 for gap in eager)
    assert len(eager) >= 10
    assert patient == pytest.approx([2] * len(patient))
