"""Every event can be told later as it was told live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from engine_app import exact_json
from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.tokens import TokenList
from engine_app.orders import leases, repository
from engine_app.orders.models import Order, OrderEvent
from engine_app.orders.replay import as_of
from engine_app.orders.view import order_view, quotes_of
from engine_app.storage.postgres import Database

TOKENS = TokenList(CLUSTERS["localnet"])
LIFE: list[dict[str, Any]] = [
    {"status": "routing", "tries": 0},
    {
        "status": "building",
        "quoted_out": Decimal(2**64 - 1),
        "floor_out": Decimal(99),
        "min_out": Decimal(100),
        "selected_dex": "raydium",
        "decision": {
            "dexQuotes": {"raydium": "150.123456789012345678", "meteora": None},
            "route": [{"dex": "raydium", "hop": 1}, {"dex": "meteora", "hop": 1}, {"dex": "raydium", "hop": 2}],
            "slot": 7,
        },
    },
    {"tries": 1, "waiting_for": {"reason": "retry", "notBefore": "2026-01-01T00:00:00.125000+00:00"}},
    {"status": "routing", "waiting_for": None, "decision": {"dexQuotes": {"raydium": "1", "meteora": "0.0000001"}}},
    {"status": "failed", "error_code": "SLIPPAGE", "error_message": "three times"},
]


def told(order: Order) -> bytes:
    return exact_json.dumps([order_view(order, TOKENS), quotes_of(order)])


async def test_an_event_is_told_again_to_the_letter(
    database: Database, new_order: Callable[..., Awaitable[Order]]
) -> None:
    live = [await new_order(min_amount_out=Decimal(5))]
    async with database.transaction() as session:
        taken = await leases.take(session, live[0].id, "tester")
        assert taken is not None
        for changes in LIFE:
            live.append(
                await repository.advance(session, live[0].id, taken.order.fencing_token, event="changed", **changes)
            )
        now = await repository.order_by_id(session, live[0].id)
        assert now is not None
        events = await repository.events_of(session, live[0].id)
    assert [event.seq for event in events] == [order.seq for order in live] == [1, 2, 3, 4, 5, 6]
    for event, then in zip(events, live, strict=True):
        assert told(as_of(now, event)) == told(then)


async def test_an_event_from_before_states_were_kept_is_told_with_the_present_one(
    new_order: Callable[..., Awaitable[Order]],
) -> None:
    order = await new_order()
    old = as_of(order, OrderEvent(order_id=order.id, seq=7, status="routing", name="routing"))
    assert (old.seq, old.status, old.updated_at) == (7, "routing", order.updated_at)
