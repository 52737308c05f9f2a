"""Which picture stands for a token."""

from __future__ import annotations

_DRAWN = ("SOL", "USDC", "USDT", "BONK")


def token_icon(symbol: str) -> str:
    """The address of a token's mark; one for all where there is none of its own."""
    return f"/tokens/{symbol.lower() if symbol in _DRAWN else 'generic'}.svg"
