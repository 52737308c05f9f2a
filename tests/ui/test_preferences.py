"""What a browser remembers of how its person trades, and what it may send instead."""

from __future__ import annotations

import pytest

from engine_app.ui.preferences import is_slippage, pair_of, pair_text, slippage_of

MINT = "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN1"


@pytest.mark.parametrize("pair", [("SOL", "USDC"), ("USDC", MINT)])
def test_a_pair_comes_back_as_it_was(pair: tuple[str, str]) -> None:
    assert pair_of(pair_text(pair)) == pair


@pytest.mark.parametrize("remembered", ["", "SOL", "SOL/", "/SOL", "SOL/SOL", "A/B/C", f"SOL/{'x' * 45}", None])
def test_what_is_no_pair_is_none(remembered: object) -> None:
    assert pair_of(remembered) is None


def test_a_slippage_comes_back_without_spaces() -> None:
    assert slippage_of(" 0.5 ") == "0.5"


@pytest.mark.parametrize("remembered", ["", "50", "0", "-1", "NaN", "abc", "0.00000001", None, {"a": 1}])
def test_a_slippage_that_no_order_may_have_is_none(remembered: object) -> None:
    assert slippage_of(remembered) is None


def test_only_what_an_order_may_have_is_a_slippage() -> None:
    assert is_slippage("49.99")
    assert not is_slippage("1 %")
    assert not is_slippage("1e1")
