"""The tokens of each cluster's list. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from types import MappingProxyType

from solders.pubkey import Pubkey

from engine_app.chain.clusters import Cluster
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.markets.errors import UnknownToken
from engine_app.markets.tokens.token import Token

_LONGEST_NAME = 100
"""Characters of a name that an error repeats."""
_ALWAYS_KNOWN = 4
"""The first tokens of a list, whose pairs' pools are always known."""


def _token(symbol: str, name: str, mint: str, decimals: int) -> Token:
    return Token(symbol, name, Pubkey.from_string(mint), decimals)


_SOL = Token("SOL", "Solana", WRAPPED_SOL_MINT, 9)
_SEEDED_TOKENS = (
    _SOL,
    _token("USDC", "USD Coin", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6),
    _token("USDT", "Tether USD", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6),
    _token("BONK", "Bonk", "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", 5),
)
_MAINNET_TOKENS = (
    *_SEEDED_TOKENS,
    _token("JUP", "Jupiter", "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", 6),
    _token("RAY", "Raydium", "4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R", 6),
    _token("JitoSOL", "Jito Staked SOL", "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", 9),
    _token("mSOL", "Marinade Staked SOL", "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So", 9),
    _token("bSOL", "BlazeStake Staked SOL", "bSo13r4TkiE4KumL71LsHTPpL2euBYLFx6h9HP3piy1", 9),
    _token("JTO", "Jito", "jtojtomepa8beP8AuQc6eXt5FriJwfFMwQx2v2f9mCL", 9),
    _token("PYTH", "Pyth Network", "HZ1JovNiVvGrGNiiYvEozEVgZ58xaU3RKwX8eACQBCt3", 6),
    _token("ORCA", "Orca", "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE", 6),
    _token("WIF", "dogwifhat", "EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm", 6),
    _token("RENDER", "Render", "rndrizKT3MK1iimdxRdWabcF7Zg7AR5T4nud4EkHBof", 8),
    _token("W", "Wormhole", "85VBFQZC9TZkfaptBWjvUw7YbZjy52A6mjtPGjstQAmQ", 6),
)
_DEVNET_TOKENS = (
    _SOL,
    _token("USDC", "USD Coin (devnet)", "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", 6),
)
_HUBS = ("SOL", "USDC", "USDT")
_TOKENS: Mapping[str, tuple[Token, ...]] = MappingProxyType(
    {"localnet": _SEEDED_TOKENS, "devnet": _DEVNET_TOKENS, "mainnet-beta": _MAINNET_TOKENS}
)


def as_address(text: str) -> Pubkey | None:
    """The address that the text is, None where it is none."""
    try:
        return Pubkey.from_string(text)
    except ValueError:
        return None


def unknown(name: str) -> UnknownToken:
    """That a name is no token's."""
    return UnknownToken(f"there is no token {name[:_LONGEST_NAME]!r} in the list of this cluster")


class TokenList:
    """The tokens of one cluster. Localnet's have mainnet's mint addresses."""

    def __init__(self, cluster: Cluster) -> None:
        self._take(_TOKENS[cluster.name])

    def _take(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._by_name = {token.symbol.upper(): token for token in tokens}
        self._by_mint = {str(token.mint): token for token in tokens}

    def all(self) -> tuple[Token, ...]:
        """Every token, SOL first."""
        return self._tokens

    def pairs(self) -> list[tuple[Pubkey, Pubkey]]:
        """The mints of every two of the first tokens, each pair once: those whose pools are always known."""
        return list(combinations((token.mint for token in self._tokens[:_ALWAYS_KNOWN]), 2))

    def hubs(self) -> list[Pubkey]:
        """Mints that nobody can make at will and that most pairs have as one side: the ways of two hops lead over
        them."""
        return [token.mint for token in self._tokens if token.symbol in _HUBS]

    def find(self, symbol_or_mint: str) -> Token | None:
        """The token of a symbol (in any case) or of a mint address, None where it is not listed."""
        return self._by_mint.get(symbol_or_mint) or self._by_name.get(symbol_or_mint.upper())

    def resolve(self, symbol_or_mint: str) -> Token:
        """The token of a symbol (in any case) or of a mint address. Raises UnknownToken."""
        token = self.find(symbol_or_mint)
        if token is None:
            raise unknown(symbol_or_mint)
        return token

    def search(self, text: str) -> list[Token]:
        """Tokens whose symbol or name holds the text in any case, or whose mint it is; those whose symbol begins with
        it first. Every token for no text."""
        wanted = text.strip().casefold()
        found = [
            token
            for token in self._tokens
            if wanted in token.symbol.casefold() or wanted in token.name.casefold() or text.strip() == str(token.mint)
        ]
        return sorted(found, key=lambda token: not token.symbol.casefold().startswith(wanted))

    def mint(self, symbol_or_mint: str) -> str:
        """The mint address of a listed token, or of any other that is named by it. Raises UnknownToken."""
        token = self.find(symbol_or_mint)
        if token is not None:
            return str(token.mint)
        mint = as_address(symbol_or_mint)
        if mint is None:
            raise unknown(symbol_or_mint)
        return str(mint)

    def symbol(self, mint: str) -> str:
        """The symbol of a mint address, or the address itself where it is not listed."""
        token = self._by_mint.get(mint)
        return mint if token is None else token.symbol

    def drop(self, mint: Pubkey) -> None:
        """Trade a token no more: its mint turned out to be another one than the list says."""
        self._take(tuple(token for token in self._tokens if token.mint != mint))
