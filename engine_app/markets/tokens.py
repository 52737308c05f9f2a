"""The tokens of each cluster, and amounts of them: whole tokens in their own text, base units as integers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from itertools import combinations
from types import MappingProxyType

from solders.pubkey import Pubkey

from engine_app.chain.clusters import Cluster
from engine_app.chain.token_accounts import TOKEN_PROGRAM, WRAPPED_SOL_MINT
from engine_app.markets.errors import InvalidAmount, UnknownToken

MAX_UNITS = 2**64 - 1
"""Most base units that a token account holds."""

_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_LONGEST_TEXT = 100
_EXACT = Context(prec=60, traps=[Inexact])
"""Wide enough for any amount; raises where a digit would be lost."""
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that may be traded.

    Attributes:
        symbol: as people write it; unique in its list without regard to case.
        name: in words.
        mint: its mint; wrapped SOL's stands for SOL.
        decimals: decimal places of a whole token.
        program: the token program that owns the mint.
    """

    symbol: str
    name: str
    mint: Pubkey
    decimals: int
    program: Pubkey = TOKEN_PROGRAM


_SOL = Token("SOL", "Solana", WRAPPED_SOL_MINT, 9)
_MAINNET_TOKENS = (
    _SOL,
    Token("USDC", "USD Coin", Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), 6),
    Token("USDT", "Tether USD", Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"), 6),
    Token("BONK", "Bonk", Pubkey.from_string("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"), 5),
)
_DEVNET_TOKENS = (
    _SOL,
    Token("USDC", "USD Coin (devnet)", Pubkey.from_string("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"), 6),
)
_HUBS = ("SOL", "USDC", "USDT")
_TOKENS: Mapping[str, tuple[Token, ...]] = MappingProxyType(
    {"localnet": _MAINNET_TOKENS, "devnet": _DEVNET_TOKENS, "mainnet-beta": _MAINNET_TOKENS}
)


class TokenList:
    """The tokens of one cluster. Localnet's have mainnet's mint addresses."""

    def __init__(self, cluster: Cluster) -> None:
        self._tokens = _TOKENS[cluster.name]
        self._by_name = {token.symbol.upper(): token for token in self._tokens}
        self._by_mint = {str(token.mint): token for token in self._tokens}

    def all(self) -> tuple[Token, ...]:
        """Every token, SOL first."""
        return self._tokens

    def pairs(self) -> list[tuple[Pubkey, Pubkey]]:
        """The mints of every two tokens, each pair once."""
        return list(combinations((token.mint for token in self._tokens), 2))

    def hubs(self) -> list[Pubkey]:
        """Mints that nobody can make at will and that most pairs have as one side: the ways of two hops lead over
        them."""
        return [token.mint for token in self._tokens if token.symbol in _HUBS]

    def resolve(self, symbol_or_mint: str) -> Token:
        """The token of a symbol (in any case) or of a mint address. Raises UnknownToken."""
        token = self._by_mint.get(symbol_or_mint) or self._by_name.get(symbol_or_mint.upper())
        if token is None:
            raise UnknownToken(f"there is no token {symbol_or_mint[:_LONGEST_TEXT]!r} in the list of this cluster")
        return token

    def symbol(self, mint: str) -> str:
        """The symbol of a mint address, or the address itself where it is not listed."""
        token = self._by_mint.get(mint)
        return mint if token is None else token.symbol


def parse_amount(amount: str | Decimal, decimals: int) -> int:
    """Base units of an amount in whole tokens, exactly.

    Args:
        amount: a decimal number in its own text ("1.5", "1e-3"), or the Decimal that a JSON number became.
        decimals: decimal places of the token.

    Raises:
        InvalidAmount: no number, not above zero, more decimal places than the token has, or more than a token
            account holds.
    """
    value = _parse(amount) if isinstance(amount, str) else amount
    if not value.is_finite():
        raise InvalidAmount("the amount is not a number")
    if value <= 0:
        raise InvalidAmount("the amount is not above zero")
    if value.adjusted() + decimals >= len(str(MAX_UNITS)):
        raise InvalidAmount("the amount is more than a token account can hold")
    try:
        units = int(_EXACT.quantize(_EXACT.scaleb(value, decimals), _ONE))
    except Inexact:
        raise InvalidAmount(f"the amount has more than the token's {decimals} decimal places") from None
    if units > MAX_UNITS:
        raise InvalidAmount("the amount is more than a token account can hold")
    return units


def whole(amount_units: int, decimals: int) -> Decimal:
    """The amount in whole tokens, exactly, without zeros at its end; from base units."""
    value = _EXACT.scaleb(Decimal(amount_units), -decimals)
    return _EXACT.quantize(value, _ONE) if value == value.to_integral_value() else _EXACT.normalize(value)


def _parse(text: str) -> Decimal:
    if len(text) > _LONGEST_TEXT or not _NUMBER.fullmatch(text):
        raise InvalidAmount(f"{text[:_LONGEST_TEXT]!r} is not a decimal number")
    return Decimal(text)
