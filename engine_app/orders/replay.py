"""An order as it stood after one of its events, so that the past can be told as it was told live. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine_app.orders.models import Order, OrderEvent
from engine_app.orders.view import DEXES

DEX_QUOTES = "dexQuotes"
"""Of an order's decision, the part that every update shows."""

_AMOUNTS = ("quoted_out", "min_out", "spent_in", "amount_out")
_MOMENTS = ("updated_at", "finalized_at")
STATE = (*_AMOUNTS, *_MOMENTS, "selected_dex", "tx_hash", "error_code", "error_message", "tries", "waiting_for")
"""The columns that change in an order's life and are shown: what an event remembers of them, in its `state`."""


def as_of(order: Order, event: OrderEvent) -> Order:
    """The order as it was shown right after an event of its own.

    Args:
        order: the order as it stands now, or at any time: what it asks for never changes.
        event: one of its events. One without a remembered state is told with the order's present one.
    """
    then: dict[str, Any] = {"seq": event.seq, "status": event.status}
    if event.state is not None:
        then |= {name: _value(name, event.state.get(name)) for name in STATE}
        quotes = event.state.get(DEX_QUOTES)
        legs = [{"dex": dex} for dex in event.state.get(DEXES) or ()]
        then["decision"] = None if quotes is None else {DEX_QUOTES: quotes, "route": legs}
    return Order(**(order.model_dump() | then))


def _value(name: str, stored: Any) -> Any:
    if stored is None:
        return None
    if name in _AMOUNTS:
        return Decimal(stored)
    return datetime.fromisoformat(stored) if name in _MOMENTS else stored
