"""What moved in and out of a wallet, as one list: deposits, withdrawals, swaps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine_app.ui.figures import amount, shortened
from engine_app.ui.order_view import order_row
from engine_app.ui.token_choice import short_name
from engine_app.wallets.deposits import Deposit


@dataclass(frozen=True)
class ActivityRow:
    """One movement as text.

    Attributes:
        key: names it in the list.
        kind: deposit, transfer or swap.
        at: when, as ISO 8601; empty where nothing tells.
        status_label, tone: how an order stands; empty for deposits, which have happened.
    """

    key: str
    kind: str
    title: str
    detail: str
    at: str
    tx_short: str
    explorer: str
    status_label: str = ""
    tone: str = ""


def activity_rows(
    deposits: Iterable[Deposit], orders: Iterable[Mapping[str, Any]], explorer: Callable[[str], str], limit: int
) -> list[ActivityRow]:
    """The newest movements, the newest first.

    Args:
        deposits: what others have sent.
        orders: JSON of orders.
        explorer: the explorer's address of a transaction, by its signature.
        limit: how many rows.
    """
    rows = [*(_deposit(deposit, explorer) for deposit in deposits), *(_order(order, explorer) for order in orders)]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def _deposit(deposit: Deposit, explorer: Callable[[str], str]) -> ActivityRow:
    return ActivityRow(
        key=f"{deposit.signature} {deposit.mint}",
        kind="deposit",
        title=f"Received {amount(deposit.amount)} {short_name(deposit.token, deposit.mint)}",
        detail=f"from {shortened(deposit.sender, 6, 6)}",
        at="" if deposit.at is None else deposit.at.isoformat(),
        tx_short=shortened(deposit.signature, 6, 4),
        explorer=explorer(deposit.signature),
    )


def _order(order: Mapping[str, Any], explorer: Callable[[str], str]) -> ActivityRow:
    signature = str(order.get("txHash") or "")
    row = order_row(order, explorer(signature) if signature else "")
    sent = row.kind == "transfer"
    return ActivityRow(
        key=row.order_id,
        kind=row.kind,
        title=f"{'Sent' if sent else 'Swapped'} {row.paid}" if row.status == "confirmed" else _wish(row.kind, row.paid),
        detail=f"to {row.token_out}" if sent else f"for {row.target}",
        at=row.created_at,
        tx_short=row.tx_short,
        explorer=row.explorer,
        status_label=row.status_label,
        tone=row.tone,
    )


def _wish(kind: str, paid: str) -> str:
    return f"{'Send' if kind == 'transfer' else 'Swap'} {paid}"
