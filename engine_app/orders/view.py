"""An order as everyone sees it: the same shape over REST, in live updates and on the page."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from engine_app.exact_json import ExactNumber
from engine_app.markets.tokens import TokenList, TokenWarning, whole
from engine_app.orders.models import Order

PRICE_DIGITS = 18


class View(BaseModel):
    """A document with camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class OrderError(View):
    """Why an order failed."""

    code: str
    message: str


class TokenWarningView(View):
    """What a person should know of one of the tokens: a stable code, and what it means."""

    token: str
    code: str
    text: str


class WaitingFor(View):
    """What an order waits for.

    `blocks_left` is in how many blocks its transaction may still land, `about_seconds` what that is at the chain's
    present pace; nothing is decided by seconds.
    """

    reason: str
    blocks_left: int | None = None
    about_seconds: int | None = None
    not_before: datetime | None = None
    code: str | None = None


class DexQuotes(View):
    """The best price of each DEX when the order was last routed: tokenOut per tokenIn, net of pool fees."""

    raydium: ExactNumber | None = None
    meteora: ExactNumber | None = None


class OrderView(View):
    """An order. Amounts are whole tokens; `…_units` are the same in base units.

    Of a transfer, `token_in` and `token_out` are the token that is sent to `destination`; `quoted_out` and `min_out`
    are what has to arrive there and `amount_out` is what did, less than `amount_in` only by the fee that some mints
    keep. It has no DEX and no execution price.
    """

    order_id: UUID
    kind: str
    token_in: str
    token_out: str
    destination: str | None
    amount_in: ExactNumber
    amount_in_units: str
    quoted_out: ExactNumber | None
    quoted_out_units: str | None
    min_out: ExactNumber | None
    min_out_units: str | None
    min_amount_out: ExactNumber | None
    min_amount_out_units: str | None
    amount_out: ExactNumber | None
    amount_out_units: str | None
    status: str
    selected_dex: str | None
    tx_hash: str | None
    execution_price: ExactNumber | None
    error: OrderError | None
    waiting_for: WaitingFor | None
    slippage: ExactNumber
    max_price_impact: ExactNumber
    warnings: list[TokenWarningView]
    attempts: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    finalized_at: datetime | None
    seq: int


class HistoryPage(View):
    """Some orders, newest first, and where the next page starts."""

    orders: list[OrderView]
    next_cursor: str | None


def price(amount_out: Decimal, amount_in: Decimal) -> Decimal:
    """tokenOut per tokenIn of whole-token amounts, to `PRICE_DIGITS` significant digits."""
    with localcontext(prec=PRICE_DIGITS, rounding=ROUND_HALF_EVEN):
        return amount_out / amount_in


def order_fields(order: Order, tokens: TokenList) -> dict[str, Any]:
    """The fields of an `OrderView`."""

    def amount(units: Decimal | None, decimals: int, name: str) -> dict[str, Any]:
        return {
            name: None if units is None else whole(int(units), decimals),
            f"{name}_units": None if units is None else str(int(units)),
        }

    spent = None if order.spent_in is None else whole(int(order.spent_in), order.decimals_in)
    received = None if order.amount_out is None else whole(int(order.amount_out), order.decimals_out)
    traded = order.destination is None
    return {
        "order_id": order.id,
        "kind": order.kind,
        "token_in": tokens.symbol(order.token_in),
        "token_out": tokens.symbol(order.token_out),
        "destination": order.destination,
        **amount(order.amount_in, order.decimals_in, "amount_in"),
        **amount(order.quoted_out, order.decimals_out, "quoted_out"),
        **amount(order.min_out, order.decimals_out, "min_out"),
        **amount(order.min_amount_out, order.decimals_out, "min_amount_out"),
        **amount(order.amount_out, order.decimals_out, "amount_out"),
        "status": order.status,
        "selected_dex": order.selected_dex,
        "tx_hash": order.tx_hash,
        "execution_price": price(received, spent) if traded and spent and received is not None else None,
        "error": error_view(order.error_code, order.error_message),
        "waiting_for": None if order.waiting_for is None else WaitingFor.model_validate(order.waiting_for),
        "slippage": order.slippage.normalize(),
        "max_price_impact": order.max_price_impact.normalize(),
        "warnings": [
            TokenWarningView(token=tokens.symbol(mint), code=code, text=TokenWarning(code).text)
            for mint, codes in order.token_warnings.items()
            for code in codes
        ],
        "attempts": order.tries,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "expires_at": order.expires_at,
        "finalized_at": order.finalized_at,
        "seq": order.seq,
    }


def error_view(code: str | None, message: str | None) -> OrderError | None:
    """The error of a row that may have none."""
    return None if code is None else OrderError(code=code, message=message or "")


def order_view(order: Order, tokens: TokenList) -> OrderView:
    """The order as everyone sees it."""
    return OrderView(**order_fields(order, tokens))


def quotes_of(order: Order) -> DexQuotes:
    """Each DEX's best price from the stored decision."""
    stored = (order.decision or {}).get("dexQuotes", {})
    return DexQuotes(
        raydium=_decimal(stored.get("raydium")),
        meteora=_decimal(stored.get("meteora")),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
