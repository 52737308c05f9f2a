"""Orders as CSV (RFC 4180), for spreadsheets and tax tools. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from engine_app.exact_json import number
from engine_app.markets.tokens import TokenList
from engine_app.orders.detail import costs_of, execution_of
from engine_app.orders.models import Order
from engine_app.orders.view import order_document, shown

COLUMNS = (
    "orderId", "kind", "status", "createdAt", "updatedAt", "finalizedAt", "tokenIn", "amountIn", "tokenOut",
    "destination", "quotedOut", "minOut", "amountOut", "spent", "leftOver", "leftOverToken", "executionPrice",
    "differenceBps", "slippage", "selectedDex",
    "txHash", "networkFeeSol", "rentPaidSol", "rentReturnedSol", "attempts", "errorCode", "errorMessage",
)  # fmt: skip

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text cell that begins so is run as a formula by spreadsheets (OWASP, CSV Injection); full-width forms too."""


def head() -> bytes:
    """The line of column names."""
    return _lines([COLUMNS])


def rows(orders: Iterable[Order], tokens: TokenList) -> bytes:
    """One line an order; amounts in whole tokens with every digit, times in UTC with milliseconds."""
    return _lines(_cells(order, tokens) for order in orders)


def _cells(order: Order, tokens: TokenList) -> list[str]:
    view = order_document(shown(order), tokens)
    execution, costs = execution_of(order, tokens), costs_of(order)
    left_over = None if execution is None else execution.left_over
    error = view["error"] or {}
    view |= {
        "differenceBps": None if execution is None else execution.difference_bps,
        "spent": None if execution is None else execution.spent,
        "leftOver": None if left_over is None else left_over.amount,
        "leftOverToken": None if left_over is None else left_over.token,
        "networkFeeSol": None if costs is None else costs.network_fee,
        "rentPaidSol": None if costs is None else costs.rent_paid,
        "rentReturnedSol": None if costs is None else costs.rent_returned,
        "errorCode": error.get("code"),
        "errorMessage": error.get("message"),
    }
    return [_cell(view[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case Decimal() | int():
            return number(Decimal(value))
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


def _lines(cells: Iterable[Iterable[str]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()
