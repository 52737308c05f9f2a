"""How asking a market is refused."""

from __future__ import annotations

from engine_app.errors import EngineError, register


class UnknownToken(EngineError):
    """No token of the cluster's list has this symbol or mint, and it is not the address of another mint either."""

    code = register(
        "UNKNOWN_TOKEN",
        "The token is not one that this engine trades.",
        "Nothing happened.",
        "Give the symbol of a listed token, or the address of its mint.",
    )
    status = 422


class TokenNotAllowed(EngineError):
    """The token is not listed, and the operator has not allowed such tokens."""

    code = register(
        "TOKEN_NOT_ALLOWED",
        "The token is not on this engine's list, and tokens that are not are off here.",
        "Nothing happened.",
        "Choose a listed token; an operator allows others with ALLOW_UNLISTED_TOKENS.",
    )
    status = 422


class InvalidAmount(EngineError):
    """The amount is no positive number that the token can represent."""

    code = register(
        "INVALID_AMOUNT",
        "The amount is not a positive number with at most the token's decimal places.",
        "Nothing happened.",
        "Correct the amount; give it as a number or as a decimal string.",
    )
    status = 422


class SearchNeedsLogin(EngineError):
    """The pools of the pair are not known, and whoever asks may not have the chain searched."""

    code = register(
        "SEARCH_NEEDS_LOGIN",
        "Nobody has asked for this pair or token lately, and to look for it on the chain needs a login.",
        "Nothing happened.",
        "Log in and ask again, or ask for a pair of listed tokens.",
    )
    status = 401


class NoPool(EngineError):
    """No pool of the pair gives a price for the amount."""

    code = register(
        "NO_POOL",
        "No pool of Raydium or Meteora can swap this pair and amount now.",
        "Nothing was swapped.",
        "Try another pair or another amount.",
    )
    status = 404
