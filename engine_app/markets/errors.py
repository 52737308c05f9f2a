"""How asking a market is refused."""

from __future__ import annotations

from engine_app.errors import EngineError, register


class UnknownToken(EngineError):
    """No token of the cluster's list has this symbol or mint."""

    code = register(
        "UNKNOWN_TOKEN",
        "The token is not one that this engine trades.",
        "Nothing happened.",
        "Give the symbol or the mint address of a listed token.",
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
