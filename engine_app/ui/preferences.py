"""What a browser remembers of how its person trades, as text. Pure; anything may come back from a browser."""

from __future__ import annotations

from engine_app.errors import EngineError
from engine_app.orders.service import check_slippage
from engine_app.ui.form_checks import plain
from engine_app.ui.form_numbers import fraction, typed

LONGEST_NAME = 44
"""Characters of the longest mint."""
BETWEEN = "/"


def pair_text(pair: tuple[str, str]) -> str:
    """The tokens to pay and to receive, symbols or mints, as they are remembered."""
    return BETWEEN.join(pair)


def pair_of(remembered: object) -> tuple[str, str] | None:
    """The two tokens that are remembered, symbols or mints; None where it is no pair."""
    names = str(remembered).split(BETWEEN)
    if len(names) != 2 or names[0] == names[1]:
        return None
    paid, received = names
    return (paid, received) if 0 < len(paid) <= LONGEST_NAME and 0 < len(received) <= LONGEST_NAME else None


def is_slippage(percent: str) -> bool:
    """Whether an order may have this slippage, in percent as it was typed."""
    try:
        check_slippage(fraction(plain(percent)))
    except EngineError:
        return False
    return True


def slippage_of(remembered: object) -> str | None:
    """The slippage that is remembered, in percent; None where no order may have it."""
    percent = typed(remembered)
    return percent if is_slippage(percent) else None
