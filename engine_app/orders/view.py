"""An order as everyone sees it: the same shape over REST, in live updates and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, TypedDict
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

    Attributes:
        selected_dex: the DEX of the larger part of the route.
        dexes: every DEX that the route goes over, as it was last decided.
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
    dexes: list[str]
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


class HistoryDocument(TypedDict):
    """A `HistoryPage` by its names in JSON."""

    orders: list[dict[str, Any]]
    nextCursor: str | None


def price(amount_out: Decimal, amount_in: Decimal) -> Decimal:
    """tokenOut per tokenIn of whole-token amounts, to `PRICE_DIGITS` significant digits."""
    with localcontext(prec=PRICE_DIGITS, rounding=ROUND_HALF_EVEN):
        return amount_out / amount_in


SHOWN = (
    "id", "kind", "token_in", "token_out", "decimals_in", "decimals_out", "destination", "amount_in", "quoted_out",
    "min_out", "min_amount_out", "spent_in", "amount_out", "status", "selected_dex", "tx_hash", "error_code",
    "error_message", "waiting_for", "slippage", "max_price_impact", "token_warnings", "tries", "created_at",
    "updated_at", "expires_at", "finalized_at", "seq",
)  # fmt: skip
"""The columns of an order that `order_document` reads."""

DEXES = "dexes"
"""What it reads besides: of the stored decision the DEX of each leg."""


def order_document(row: Mapping[str, Any], tokens: TokenList) -> dict[str, Any]:
    """An `OrderView` by its names in JSON, as `model_dump(by_alias=True)` gives it.

    A page of the history has fifty and each step of an order one: written out, it takes a fraction of the model's time.

    Args:
        row: an order's columns, `SHOWN` and `DEXES` at least.
        tokens: who knows symbols.

    Raises:
        ValueError: the row cannot be shown.
    """
    decimals_in, decimals_out = row["decimals_in"], row["decimals_out"]
    amount_in, amount_in_units = _amount(row["amount_in"], decimals_in)
    quoted_out, quoted_out_units = _amount(row["quoted_out"], decimals_out)
    min_out, min_out_units = _amount(row["min_out"], decimals_out)
    min_amount_out, min_amount_out_units = _amount(row["min_amount_out"], decimals_out)
    amount_out, amount_out_units = _amount(row["amount_out"], decimals_out)
    destination, spent_in, waiting_for, error_code = (
        row["destination"], row["spent_in"], row["waiting_for"], row["error_code"],
    )  # fmt: skip
    execution_price = None
    if destination is None and spent_in and amount_out is not None:
        execution_price = price(amount_out, whole(int(spent_in), decimals_in))
    return {
        "orderId": row["id"],
        "kind": row["kind"],
        "tokenIn": tokens.symbol(row["token_in"]),
        "tokenOut": tokens.symbol(row["token_out"]),
        "destination": destination,
        "amountIn": amount_in,
        "amountInUnits": amount_in_units,
        "quotedOut": quoted_out,
        "quotedOutUnits": quoted_out_units,
        "minOut": min_out,
        "minOutUnits": min_out_units,
        "minAmountOut": min_amount_out,
        "minAmountOutUnits": min_amount_out_units,
        "amountOut": amount_out,
        "amountOutUnits": amount_out_units,
        "status": row["status"],
        "selectedDex": row["selected_dex"],
        "dexes": list(dict.fromkeys(row[DEXES] or ())),
        "txHash": row["tx_hash"],
        "executionPrice": execution_price,
        "error": None if error_code is None else {"code": error_code, "message": row["error_message"] or ""},
        "waitingFor": None if waiting_for is None else WaitingFor.model_validate(waiting_for).model_dump(by_alias=True),
        "slippage": row["slippage"].normalize(),
        "maxPriceImpact": row["max_price_impact"].normalize(),
        "warnings": [
            {"token": tokens.symbol(mint), "code": code, "text": TokenWarning(code).text}
            for mint, codes in row["token_warnings"].items()
            for code in codes
        ],
        "attempts": row["tries"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "expiresAt": row["expires_at"],
        "finalizedAt": row["finalized_at"],
        "seq": row["seq"],
    }


def _amount(units: Decimal | None, decimals: int) -> tuple[Decimal | None, str | None]:
    """In whole tokens and in base units."""
    if units is None:
        return None, None
    exact = int(units)
    return whole(exact, decimals), str(exact)


def error_view(code: str | None, message: str | None) -> OrderError | None:
    """The error of a row that may have none."""
    return None if code is None else OrderError(code=code, message=message or "")


def order_view(order: Order, tokens: TokenList) -> OrderView:
    """The order as everyone sees it."""
    return OrderView.model_validate(order_document(shown(order), tokens))


def shown(order: Order) -> dict[str, Any]:
    """What is shown of it, as `order_document` reads it."""
    legs = (order.decision or {}).get("route", ())
    return {name: getattr(order, name) for name in SHOWN} | {DEXES: [leg["dex"] for leg in legs]}


def quotes_of(order: Order) -> DexQuotes:
    """Each DEX's best price from the stored decision."""
    stored = (order.decision or {}).get("dexQuotes", {})
    return DexQuotes(
        raydium=_decimal(stored.get("raydium")),
        meteora=_decimal(stored.get("meteora")),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
