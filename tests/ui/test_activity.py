"""What moved in and out of a wallet, as one list."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine_app.ui.activity import activity_rows
from engine_app.wallets.deposits import Deposit

SIGNATURE = "5h6xBEauJ3PK6SWCZ1PGjBvj8vDdWG3KpwATGy1ARAXFSDwt8GFXM7W5Ncn16wmqokgpiKRLuS83KUxyZyv2sUYv"
MINT = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"


def deposit(token: str, at: datetime | None) -> Deposit:
    return Deposit(
        signature=SIGNATURE,
        slot=7,
        at=at,
        sender="vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg",
        token=token,
        mint=MINT,
        amount=Decimal("12.5"),
        amount_units=1_250_000,
    )


def order(kind: str, status: str, at: str) -> dict[str, Any]:
    return {
        "orderId": f"{kind}-{status}",
        "kind": kind,
        "tokenIn": "SOL",
        "tokenOut": "SOL" if kind == "transfer" else "USDC",
        "destination": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg" if kind == "transfer" else None,
        "amountIn": "1.5",
        "amountOut": "224.1" if status == "confirmed" else None,
        "quotedOut": "224.2",
        "status": status,
        "createdAt": at,
        "txHash": SIGNATURE,
    }


def test_everything_that_moved_stands_in_one_list_the_newest_first() -> None:
    rows = activity_rows(
        [deposit("BONK", datetime(2026, 11, 27, 12, 0, tzinfo=UTC))],
        [
            order("swap", "confirmed", "2026-11-27T13:00:00+00:00"),
            order("transfer", "submitted", "2026-11-27T11:00:00+00:00"),
        ],
        lambda signature: f"https://explorer/{signature}",
        10,
    )
    assert [row.kind for row in rows] == ["swap", "deposit", "transfer"]
    assert [row.title for row in rows] == ["Swapped 1.5 SOL", "Received 12.5 BONK", "Send 1.5 SOL"]
    assert [row.status_label for row in rows] == ["Confirmed", "", "Submitted"]
    assert rows[1].detail == "from vines1…6NKPTg"
    assert rows[2].detail == "to vine…KPTg"
    assert all(row.explorer.endswith(SIGNATURE) for row in rows)


def test_only_the_newest_are_listed_and_a_token_without_a_name_is_its_mint() -> None:
    older = deposit("BONK", datetime(2026, 11, 27, 11, 0, tzinfo=UTC))
    newer = deposit(MINT, datetime(2026, 11, 27, 12, 0, tzinfo=UTC))
    (row,) = activity_rows([older, newer], [], str, 1)
    assert row.title == "Received 12.5 DezX…B263"
