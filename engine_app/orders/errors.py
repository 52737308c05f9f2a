"""The codes of orders: how an order fails, and how placing one is refused."""

from __future__ import annotations

from engine_app.errors import EngineError, register
from engine_app.wallets.errors import SignatureRefused

NOTHING_MOVED = "Nothing was swapped or sent."
NOT_SPENT = "Nothing was swapped or sent; at most the network fee of a transaction that failed on chain was paid."

SIGNATURE_REFUSED = SignatureRefused.code
"""An order fails with it too, so whoever tells of orders knows it."""

INSUFFICIENT_FUNDS = register(
    "INSUFFICIENT_FUNDS",
    "The wallet does not hold what the order needs: its amount, rents and fees.",
    NOTHING_MOVED,
    "Deposit more, get test funds, or place a smaller order.",
)
SLIPPAGE = register(
    "SLIPPAGE",
    "The price moved past the order's slippage while it was being executed, three times.",
    NOT_SPENT,
    "Place the order again with a fresh quote, or allow more slippage.",
)
PRICE_MOVED = register(
    "PRICE_MOVED",
    "The best price stayed below the order's floor at each of three tries.",
    NOTHING_MOVED,
    "Look at the present quote and place a new order if it suits you.",
)
PRICE_IMPACT = register(
    "PRICE_IMPACT",
    "The order is so large for its pool that it would move the price more than it allows.",
    NOTHING_MOVED,
    "Place a smaller order, or allow a larger price impact.",
)
EXPIRED = register(
    "EXPIRED",
    "The order's time ran out before it could be executed.",
    NOT_SPENT,
    "Place it again, with more time if the chain is slow.",
)
NOT_LANDED = register(
    "NOT_LANDED",
    "The chain took none of the order's transactions; each is proven dead.",
    NOTHING_MOVED,
    "Place it again; if it happens often, a higher priority fee helps.",
)
SWAP_FAILED = register(
    "SWAP_FAILED",
    "The pool's program refused the swap.",
    NOT_SPENT,
    "Look at the attempt's error and try another amount or pair.",
)
TRANSFER_FAILED = register(
    "TRANSFER_FAILED",
    "The chain refused the withdrawal.",
    NOT_SPENT,
    "Look at the attempt's error; the destination or the token's issuer may not allow it.",
)
LEAVES_DUST = register(
    "LEAVES_DUST",
    "The withdrawal would leave less SOL than an account must hold.",
    NOTHING_MOVED,
    "Withdraw everything with the amount `max`, or leave as much as the message says.",
)
DESTINATION_REFUSED = register(
    "DESTINATION_REFUSED",
    "The destination is on chain, but is no wallet that could spend what arrives.",
    NOTHING_MOVED,
    "Give the address of a wallet: not of a token account, a mint, a program or a program's account.",
)
DESTINATION_BELOW_RENT = register(
    "DESTINATION_BELOW_RENT",
    "So little SOL cannot open a new address: an account must hold its rent exemption.",
    NOTHING_MOVED,
    "Send at least what the message says, or to an address that holds SOL already.",
)
TOKEN_NOT_TRANSFERABLE = register(
    "TOKEN_NOT_TRANSFERABLE",
    "The token's issuer has set a rule under which the engine cannot tell what would arrive.",
    NOTHING_MOVED,
    "Ask the token's issuer; the message names the rule.",
)
OUTCOME_UNKNOWN = register(
    "OUTCOME_UNKNOWN",
    "No endpoint has the blocks any more that would show whether the transaction landed.",
    "It may or may not have moved; the engine will not guess and signs nothing further.",
    "An operator looks the signature up and ends the order with what he found.",
)
ROLLED_BACK = register(
    "ROLLED_BACK",
    "The chain took the confirmed transaction back, and it can no longer land.",
    NOTHING_MOVED,
    "Place the order again if you still want it; the engine does not repeat it by itself.",
)
CANCELLED = register(
    "CANCELLED",
    "The order was cancelled before anything could land.",
    NOT_SPENT,
    "Nothing to do.",
)
INVALID_SLIPPAGE = register(
    "INVALID_SLIPPAGE",
    "The slippage is not a fraction from 0.0001 to below 0.5.",
    "No order was placed.",
    "Slippage is a fraction: give 0.01 for 1 %.",
)
INVALID_PRICE_IMPACT = register(
    "INVALID_PRICE_IMPACT",
    "The maxPriceImpact is not a fraction above 0 and at most 0.5.",
    "No order was placed.",
    "Price impact is a fraction: give 0.05 for 5 %, or leave it out for the default.",
)
SAME_TOKEN = register(
    "SAME_TOKEN",
    "The order swaps a token for itself.",
    "No order was placed.",
    "Choose two different tokens.",
)
INVALID_VALIDITY = register(
    "INVALID_VALIDITY",
    "validForSeconds is not a whole number from 5 to 3600.",
    "No order was placed.",
    "Give a number of seconds from 5 to 3600, or leave it out for the default.",
)
ORDER_NOT_FOUND = register(
    "ORDER_NOT_FOUND",
    "There is no such order of yours.",
    "Nothing happened.",
    "Check the order's id and the account you are logged in with.",
)
WALLET_STOPPED = register(
    "WALLET_STOPPED",
    "The chain shows a transaction of this wallet that the engine does not know; an operator has to explain it first.",
    "No order was placed; open orders go on.",
    "Ask the operator; he finds the transaction with `reconcile`.",
)
INVALID_CURSOR = register(
    "INVALID_CURSOR",
    "The cursor is not one that the history gave out.",
    "Nothing happened.",
    "Start from the first page.",
)


class InvalidSlippage(EngineError):
    """The slippage is out of range."""

    code = INVALID_SLIPPAGE
    status = 422


class InvalidPriceImpact(EngineError):
    """The maxPriceImpact is out of range."""

    code = INVALID_PRICE_IMPACT
    status = 422


class SameToken(EngineError):
    """Token in and token out are the same."""

    code = SAME_TOKEN
    status = 422


class InvalidValidity(EngineError):
    """validForSeconds is out of range."""

    code = INVALID_VALIDITY
    status = 422


class WalletStopped(EngineError):
    """The wallet takes no new orders until an operator has explained its transactions."""

    code = WALLET_STOPPED
    status = 409


class OrderNotFound(EngineError):
    """No such order, or another user's."""

    code = ORDER_NOT_FOUND
    status = 404


class InvalidCursor(EngineError):
    """The cursor was not given out by the history."""

    code = INVALID_CURSOR
    status = 422
