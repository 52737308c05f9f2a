"""Custom errors of Meteora DLMM (lb_clmm 0.12) that a swap can end with."""

from __future__ import annotations

from engine_app.markets.venues.venue import ErrorKind

ERROR_NAMES = {
    6002: "InvalidInput",
    6003: "ExceededAmountSlippageTolerance",
    6009: "BinArrayNotFound",
    6012: "PairInsufficientLiquidity",
    6018: "MathOverflow",
    6027: "InvalidBinArray",
    6036: "BitmapExtensionAccountIsNotProvided",
    6037: "CannotFindNonZeroLiquidityBinArrayId",
    6038: "BinIdOutOfBound",
    6039: "InsufficientOutAmount",
    6042: "PoolDisabled",
}
ERROR_KINDS = {
    "InvalidInput": ErrorKind.TOO_SMALL,
    "ExceededAmountSlippageTolerance": ErrorKind.SLIPPAGE,
    "PairInsufficientLiquidity": ErrorKind.LIQUIDITY,
    "BitmapExtensionAccountIsNotProvided": ErrorKind.LIQUIDITY,
    "CannotFindNonZeroLiquidityBinArrayId": ErrorKind.LIQUIDITY,
    "BinIdOutOfBound": ErrorKind.LIQUIDITY,
    "InsufficientOutAmount": ErrorKind.TOO_SMALL,
    "PoolDisabled": ErrorKind.CLOSED,
}
