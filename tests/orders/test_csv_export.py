"""Orders as CSV: exact, in UTC, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest

from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.tokens import TokenList
from engine_app.orders import csv_export
from engine_app.orders.models import Order
from tests.orders.conftest import SOL, USDC

TOKENS = TokenList(CLUSTERS["localnet"])
AT = datetime(2026, 1, 31, 12, 0, 0, 125_000, tzinfo=UTC)


def order(**changed: Any) -> Order:
    values: dict[str, Any] = {
        "id": UUID(int=7), "user_id": 1, "wallet_id": 1, "token_in": SOL, "token_out": USDC, "decimals_in": 9,
        "decimals_out": 6, "amount_in": Decimal(2**64 - 1), "slippage": Decimal("0.010000000"),
        "max_price_impact": Decimal("0.05"), "status": "confirmed", "quoted_out": Decimal(200_000_001),
        "spent_in": Decimal(2**64 - 1), "amount_out": Decimal(200_000_000), "tx_hash": "signature", "tries": 1,
        "fill": {"network_fee": "5001", "rent_paid": "2039280", "rent_returned": "0", "compute_units": "9",
                 "slot": "3"},
        "created_at": AT, "updated_at": AT, "expires_at": AT,
    }  # fmt: skip
    return Order(**(values | changed))


def read(*orders: Order) -> list[dict[str, str]]:
    text = (csv_export.head() + csv_export.rows(orders, TOKENS)).decode()
    assert text.count("\r\n") == len(orders) + 1
    return list(csv.DictReader(StringIO(text, newline="")))


def test_numbers_are_exact_and_times_have_milliseconds() -> None:
    (row,) = read(order())
    assert (row["amountIn"], row["quotedOut"], row["amountOut"]) == ("18446744073.709551615", "200.000001", "200")
    assert (row["networkFeeSol"], row["rentPaidSol"], row["rentReturnedSol"]) == ("0.000005001", "0.00203928", "0")
    assert (row["differenceBps"], row["slippage"]) == ("0", "0.01")
    assert row["createdAt"] == "2026-01-31T12:00:00.125Z"
    assert (row["finalizedAt"], row["errorCode"]) == ("", "")
    assert (row["orderId"], row["tokenIn"], row["tokenOut"]) == (str(UUID(int=7)), "SOL", "USDC")


def test_a_withdrawal_names_its_destination_and_has_no_price() -> None:
    sent = order(kind="transfer", token_out=SOL, decimals_out=9, destination=USDC, quoted_out=Decimal(2**64 - 1))
    (row,) = read(sent)
    assert (row["kind"], row["destination"], row["executionPrice"]) == ("transfer", USDC, "")
    (row,) = read(order())
    assert (row["kind"], row["destination"]) == ("swap", "")


def test_what_was_spent_and_what_is_left_of_a_token_in_between_are_told() -> None:
    fill = order().fill or {}
    (row,) = read(order(spent_in=Decimal(5_000_000_000), fill=fill | {"left_over": "1200", "left_over_mint": USDC}))
    assert (row["spent"], row["leftOver"], row["leftOverToken"]) == ("5", "0.0012", "USDC")
    (row,) = read(order())
    assert (row["spent"], row["leftOver"], row["leftOverToken"]) == (row["amountIn"], "", "")


def test_less_than_quoted_is_negative() -> None:
    (row,) = read(order(amount_out=Decimal(199_000_001)))
    assert row["differenceBps"] == "-50"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_quoted(begin: str) -> None:
    cruel = f'{begin}HYPERLINK("x","y"),"\n'
    (row,) = read(order(status="failed", error_code="SWAP_FAILED", error_message=cruel, token_in=f"{begin}mint"))
    assert row["errorMessage"] == f"'{cruel}"
    assert row["tokenIn"] == f"'{begin}mint"


def test_what_is_not_known_yet_is_empty() -> None:
    (row,) = read(order(status="pending", fill=None, amount_out=None, quoted_out=None, spent_in=None, tx_hash=None))
    empty = ("amountOut", "executionPrice", "differenceBps", "txHash", "networkFeeSol", "selectedDex", "minOut")
    assert [row[name] for name in empty] == [""] * len(empty)
