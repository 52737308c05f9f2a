"""Times in the reader's own zone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import reflex as rx
from playwright.sync_api import Page

from engine_app.ui.components.pieces import local_time


@pytest.mark.parametrize("missing", ["undefined", "null", "''"])
def test_a_time_whose_moment_has_just_gone_is_told_as_nothing(new_page: Callable[..., Page], missing: str) -> None:
    """React may render a time once more with what was already taken away, and must not fail over it."""
    assert told(new_page(), missing) == ["", ""]


def test_a_time_is_the_readers_and_in_utc_where_the_pointer_rests(new_page: Callable[..., Page]) -> None:
    page = new_page(timezone_id="Asia/Kathmandu")
    assert told(page, "'2026-11-27T23:30:00.250Z'") == ["28 Nov 2026, 05:15:00", "2026-11-27 23:30:00.250 UTC"]


def told(page: Page, moment: str) -> list[str]:
    """What the element shows and what it tells where the pointer rests, of a moment in JavaScript."""
    time = local_time(rx.Var(moment, _var_type=str)).render()
    shown = time["children"][0]["contents"]
    (title,) = (prop.partition(":")[2] for prop in time["props"] if prop.startswith("title:"))
    return [str(page.evaluate(expression)) for expression in (shown, title)]
