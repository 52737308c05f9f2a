"""What the door says after a refused try."""

from __future__ import annotations

import pytest

from engine_app.ui.states.door import refusal


def test_a_known_code_is_said_in_words() -> None:
    happened, advice = refusal("WRONG_CREDENTIALS", "")
    assert "wrong" in happened
    assert advice


def test_a_limit_says_when_to_try_again() -> None:
    assert refusal("RATE_LIMITED", "600")[1] == "Try again in 10 minutes."


@pytest.mark.parametrize("seconds", ["9" * 5_000, "1000000", "\u00b2", "-5", "soon"])
def test_no_limit_is_that_long(seconds: str) -> None:
    assert refusal("RATE_LIMITED", seconds) == refusal("RATE_LIMITED", "")


@pytest.mark.parametrize("code", ["", "<script>", "NO_SUCH_CODE"])
def test_nothing_else_from_the_address_is_shown(code: str) -> None:
    assert refusal(code, "60") == ("", "")
