"""What the order form refuses to place, whatever a client sends."""

from __future__ import annotations

import asyncio

import pytest

from engine_app.ui.quote_view import Quote
from engine_app.ui.spending import STALE_SECONDS
from engine_app.ui.states.swap import SwapState


def form(*, age_seconds: float = 0.0) -> SwapState:
    """The form with a quote of this age that can be ordered."""
    state = SwapState()
    state.quote = Quote(key="shown", amount_out="1")
    state._quoted_at = asyncio.get_running_loop().time() - age_seconds
    return state


async def test_what_is_shown_can_be_placed() -> None:
    assert form()._refusal("shown") is None


async def test_another_quote_than_the_one_that_was_seen_is_not_placed() -> None:
    state = form()
    assert state._refusal("another") == []
    assert "updated just now" in state.notice


@pytest.mark.parametrize("change", [{"quote": Quote()}, {"short": True}])
async def test_without_a_quote_or_the_funds_nothing_is_placed(change: dict[str, object]) -> None:
    state = form()
    for name, value in change.items():
        setattr(state, name, value)
    assert state._refusal("shown") == []


async def test_an_old_quote_is_not_placed_but_asked_for_anew() -> None:
    state = form(age_seconds=STALE_SECONDS + 1)
    assert state._refusal("shown") == [SwapState.requote]
    assert state.quote.key == ""
    assert "too old" in state.notice
