"""Why a try failed, in the order's own codes, and whether a fresh quote may cure it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.chain.token_accounts import ASSOCIATED_TOKEN_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from engine_app.markets.venues.venue import ErrorKind, Venue
from engine_app.orders.errors import INSUFFICIENT_FUNDS, SLIPPAGE, SWAP_FAILED, TRANSFER_FAILED

TOKEN_INSUFFICIENT_FUNDS = 1
SYSTEM_PROGRAM = Pubkey.default()
SYSTEM_RESULT_WITH_NEGATIVE_LAMPORTS = 1
SHORT_OF_SOL = ("InsufficientFundsForFee", "InsufficientFundsForRent", "AccountNotFound")
FAILED = {"swap": SWAP_FAILED, "transfer": TRANSFER_FAILED}
"""How an order of each kind fails where no error of its programs says it better."""


@dataclass(frozen=True, slots=True)
class TryFailure:
    """Why a try failed.

    Attributes:
        code: the order's code, should it be the last try.
        message: one sentence for the reader.
        curable: whether a fresh quote may cure it.
    """

    code: str
    message: str
    curable: bool


def read_failure(
    error: Any, *, kind: str, transaction: bytes, logs: Sequence[str], venues: Sequence[Venue]
) -> TryFailure:
    """Translate a transaction error.

    Args:
        error: the JSON of Solana's TransactionError.
        kind: the order's.
        transaction: the wire bytes, signed or not.
        logs: its log lines, empty where they are not known.
        venues: whose programs' errors to read by name.
    """
    failed = FAILED[kind]
    name = error if isinstance(error, str) else next(iter(error), "")
    if name in SHORT_OF_SOL and not _leaves_another_short(error):
        return TryFailure(
            INSUFFICIENT_FUNDS, f"the wallet's SOL does not cover the transaction ({name})", curable=False
        )
    if name != "InstructionError":
        return TryFailure(failed, f"the chain refused the transaction ({error})", curable=True)
    index, reason = error["InstructionError"]
    message = VersionedTransaction.from_bytes(transaction).message
    program = message.account_keys[message.instructions[index].program_id_index]
    custom = reason.get("Custom") if isinstance(reason, dict) else None
    if custom is None:
        return TryFailure(failed, f"instruction {index} of program {program} failed: {reason}", curable=True)
    if program in (SYSTEM_PROGRAM, ASSOCIATED_TOKEN_PROGRAM) and custom == SYSTEM_RESULT_WITH_NEGATIVE_LAMPORTS:
        return TryFailure(INSUFFICIENT_FUNDS, "the wallet's SOL does not cover amount, rents and fees", curable=False)
    if program in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM) and custom == TOKEN_INSUFFICIENT_FUNDS:
        return TryFailure(INSUFFICIENT_FUNDS, "the token account does not hold the amount", curable=False)
    for venue in venues:
        if venue.program_id == program:
            known = venue.classify_error(custom, logs)
            if known.kind is ErrorKind.SLIPPAGE:
                return TryFailure(SLIPPAGE, f"{venue.name} would pay less than the order accepts", curable=True)
            return TryFailure(failed, f"{venue.name} refused the swap: {known.name}", curable=True)
    return TryFailure(failed, f"program {program} failed with error {custom}", curable=True)


def _leaves_another_short(error: Any) -> bool:
    """Whether it is not the wallet, which is a transaction's account 0, that would be left below its rent."""
    return isinstance(error, dict) and any(
        isinstance(reason, dict) and reason.get("account_index", 0) != 0 for reason in error.values()
    )
