"""Custom errors of Raydium CLMM that a swap can end with, by the numbers of its newest source (commit 03b44b7).

Builds before April 2026 have other numbers for the same names; the name in the log is the same in all.
"""

from __future__ import annotations

from engine_app.markets.venues.venue import ErrorKind

ERROR_NAMES = {
    6000: "NotApproved",
    6011: "SqrtPriceLimitOverflow",
    6016: "LiquidityInsufficient",
    6018: "TooLittleOutputReceived",
    6019: "TooMuchInputPaid",
    6020: "ZeroAmountSpecified",
    6021: "InvalidInputPoolVault",
    6022: "TooSmallInputOrOutputAmount",
    6023: "NotEnoughTickArrayAccount",
    6024: "InvalidFirstTickArrayAccount",
    6035: "MissingTickArrayBitmapExtensionAccount",
    6036: "InsufficientLiquidityForDirection",
    6037: "MaxTokenOverflow",
}

ERROR_KINDS = {
    "NotApproved": ErrorKind.CLOSED,
    "RequireGtViolated": ErrorKind.CLOSED,
    "TooLittleOutputReceived": ErrorKind.SLIPPAGE,
    "TooMuchInputPaid": ErrorKind.SLIPPAGE,
    "ZeroAmountSpecified": ErrorKind.TOO_SMALL,
    "TooSmallInputOrOutputAmount": ErrorKind.TOO_SMALL,
    "LiquidityInsufficient": ErrorKind.LIQUIDITY,
    "InsufficientLiquidityForDirection": ErrorKind.LIQUIDITY,
    "SqrtPriceLimitOverflow": ErrorKind.LIQUIDITY,
    "RequireEqViolated": ErrorKind.LIQUIDITY,
    "MaxTokenOverflow": ErrorKind.LIQUIDITY,
}
