"""Where things can be looked at outside the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine_app.chain.clusters import explorer_url
from engine_app.services import services


def explorer_of(order: Mapping[str, Any]) -> str:
    """The explorer's address of an order's newest transaction; empty before it has one."""
    signature = order.get("txHash")
    return explorer_of_transaction(signature) if signature else ""


def explorer_of_transaction(signature: str) -> str:
    """The explorer's address of a transaction on the engine's cluster."""
    settings = services().settings
    endpoint = settings.solana_rpc_url[0] if settings.solana_rpc_url else ""
    return explorer_url(settings.solana_cluster, signature, endpoint)
