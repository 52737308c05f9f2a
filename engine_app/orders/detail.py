"""One order in full: its quotes and route, every try, every event, what it cost, quoted against executed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pydantic import ConfigDict, Field

from engine_app.exact_json import ExactNumber
from engine_app.markets.tokens import TokenList, whole
from engine_app.orders.models import Attempt, Order, OrderEvent
from engine_app.orders.view import DexQuotes, OrderError, OrderView, View, error_view, order_document, quotes_of, shown

LAMPORT_DECIMALS = 9
_BPS_STEP = Decimal("0.01")


class EventView(View):
    """One thing that happened to an order."""

    seq: int
    at: datetime
    status: str
    name: str
    data: dict[str, Any]


class AttemptView(View):
    """One try of an order. Amounts are whole tokens of tokenOut; `priority_fee` is the most it could pay, in SOL."""

    number: int
    signature: str | None
    selected_dex: str | None
    quoted_out: ExactNumber | None
    quoted_out_units: str | None
    min_out: ExactNumber | None
    min_out_units: str | None
    compute_unit_limit: int | None
    compute_unit_price: int | None
    priority_fee: ExactNumber | None
    last_valid_block_height: int | None
    observed_slot: int | None
    verdict: str | None
    verdict_at: datetime | None
    error: OrderError | None
    created_at: datetime


class RoutingView(View):
    """How the order was last routed: the slot of the quotes, the route that was taken, every other candidate and why
    it lost, every pool that gave no quote and why. Amounts are base units, as strings."""

    model_config = ConfigDict(extra="allow")

    slot: int | None = None
    route: list[dict[str, Any]] = Field(default_factory=list)
    candidates: list[dict[str, Any]] = Field(default_factory=list)
    refused: list[dict[str, Any]] = Field(default_factory=list)


class CostsView(View):
    """What the landed transaction cost beside the swap itself, in SOL and lamports, and where it landed."""

    network_fee: ExactNumber
    network_fee_units: str
    rent_paid: ExactNumber
    rent_paid_units: str
    rent_returned: ExactNumber
    rent_returned_units: str
    compute_units: int
    slot: int


class LeftOverView(View):
    """What the first of two hops brought of the token in between and the second did not spend: it is in the wallet."""

    token: str
    amount: ExactNumber | None
    amount_units: str


class ExecutionView(View):
    """Quoted against executed: the order's quote, what really arrived, and the difference (negative: less arrived).

    `spent` is what left the wallet of tokenIn: less than the order's amount where a first hop needed less to buy what
    the second spends; the rest never left.
    """

    spent: ExactNumber
    spent_units: str
    quoted_out: ExactNumber
    quoted_out_units: str
    amount_out: ExactNumber
    amount_out_units: str
    difference: ExactNumber
    difference_units: str
    difference_bps: ExactNumber
    left_over: LeftOverView | None


class OrderDetail(OrderView):
    """An order with its quotes, tries and history; `rpc_calls` counts its own calls to Solana nodes by method."""

    quotes: DexQuotes
    routing: RoutingView | None
    execution: ExecutionView | None
    costs: CostsView | None
    rpc_calls: dict[str, int]
    tries: list[AttemptView]
    events: list[EventView]


def order_detail(
    order: Order, attempts: Sequence[Attempt], events: Sequence[OrderEvent], tokens: TokenList
) -> OrderDetail:
    """The order in full."""
    return OrderDetail(
        **order_document(shown(order), tokens),
        quotes=quotes_of(order),
        routing=None if order.decision is None else RoutingView.model_validate(order.decision),
        execution=execution_of(order, tokens),
        costs=costs_of(order),
        rpc_calls=order.rpc_calls,
        tries=[_try(attempt, order.decimals_out) for attempt in attempts],
        events=[
            EventView(seq=event.seq, at=event.at, status=event.status, name=event.name, data=event.data)
            for event in events
        ],
    )


def execution_of(order: Order, tokens: TokenList) -> ExecutionView | None:
    """Quoted against executed; None before both are known."""
    if order.quoted_out is None or order.amount_out is None or order.spent_in is None:
        return None
    quoted, executed = int(order.quoted_out), int(order.amount_out)
    bps = (Decimal(executed - quoted) * 10_000 / quoted).quantize(_BPS_STEP, rounding=ROUND_HALF_EVEN)
    return ExecutionView(
        spent=whole(int(order.spent_in), order.decimals_in),
        spent_units=str(int(order.spent_in)),
        quoted_out=whole(quoted, order.decimals_out),
        quoted_out_units=str(quoted),
        amount_out=whole(executed, order.decimals_out),
        amount_out_units=str(executed),
        difference=whole(executed - quoted, order.decimals_out),
        difference_units=str(executed - quoted),
        difference_bps=bps,
        left_over=_left_over(order, tokens),
    )


def _left_over(order: Order, tokens: TokenList) -> LeftOverView | None:
    """In whole tokens where the list knows its decimals, as it does of every token that a route leads over."""
    fill = order.fill or {}
    if "left_over_mint" not in fill:
        return None
    token, units = tokens.find(fill["left_over_mint"]), int(fill["left_over"])
    return LeftOverView(
        token=tokens.symbol(fill["left_over_mint"]),
        amount=None if token is None else whole(units, token.decimals),
        amount_units=str(units),
    )


def costs_of(order: Order) -> CostsView | None:
    """What the landed transaction cost; None before it is confirmed."""
    if order.fill is None:
        return None
    fill = {name: int(value) for name, value in order.fill.items() if name in _FILL}
    return CostsView(
        **{name: whole(fill[name], LAMPORT_DECIMALS) for name in _LAMPORTS},
        **{f"{name}_units": str(fill[name]) for name in _LAMPORTS},
        compute_units=fill["compute_units"],
        slot=fill["slot"],
    )


_LAMPORTS = ("network_fee", "rent_paid", "rent_returned")
_FILL = (*_LAMPORTS, "compute_units", "slot")


def _try(attempt: Attempt, decimals_out: int) -> AttemptView:
    limit, price = attempt.compute_unit_limit, attempt.compute_unit_price
    priority_fee = None if limit is None or price is None else whole(-(-limit * price // 1_000_000), LAMPORT_DECIMALS)
    return AttemptView(
        number=attempt.number,
        signature=attempt.signature,
        selected_dex=attempt.selected_dex,
        **_amount("quoted_out", attempt.quoted_out, decimals_out),
        **_amount("min_out", attempt.min_out, decimals_out),
        compute_unit_limit=limit,
        compute_unit_price=price,
        priority_fee=priority_fee,
        last_valid_block_height=attempt.last_valid_block_height,
        observed_slot=attempt.observed_slot,
        verdict=attempt.verdict,
        verdict_at=attempt.verdict_at,
        error=error_view(attempt.error_code, attempt.error_message),
        created_at=attempt.created_at,
    )


def _amount(name: str, units: Decimal | None, decimals: int) -> dict[str, Any]:
    return {
        name: None if units is None else whole(int(units), decimals),
        f"{name}_units": None if units is None else str(int(units)),
    }
