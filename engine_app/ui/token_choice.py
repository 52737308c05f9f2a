"""How tokens read where one is chosen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine_app.markets.tokens import Token
from engine_app.ui.figures import amount, shortened
from engine_app.ui.token_marks import token_icon


@dataclass(frozen=True)
class TokenChoice:
    """A token as it is chosen and shown.

    Attributes:
        token: its symbol, or its mint where it is not listed.
        label: what it is called; of a mint the two ends. Empty where no token was chosen yet.
        balance: what the wallet has free of it, or empty.
        warnings: what a person should know of it; of a listed token nothing.
    """

    token: str = ""
    label: str = ""
    name: str = ""
    icon: str = ""
    mint: str = ""
    mint_short: str = ""
    listed: bool = True
    balance: str = ""
    warnings: list[str] = field(default_factory=list)


def token_label(token: Token) -> str:
    """What a token is called where there is little room."""
    return short_name(token.symbol, str(token.mint))


def short_name(token: str, mint: str) -> str:
    """A token's symbol, or the two ends of its mint where that is its symbol because it is not listed."""
    return token if token != mint else shortened(mint)


def token_choice(token: Token, available: Mapping[str, Decimal] | None = None) -> TokenChoice:
    """A token's texts; `available` is what the wallet has free, whole tokens by symbol or mint."""
    held = (available or {}).get(token.symbol)
    return TokenChoice(
        token=token.symbol,
        label=token_label(token),
        name=token.name,
        icon=token_icon(token.symbol),
        mint=str(token.mint),
        mint_short=shortened(str(token.mint)),
        listed=token.listed,
        balance="" if not held else amount(held),
        warnings=[warning.text for warning in token.warnings],
    )
