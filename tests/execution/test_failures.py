"""Transaction errors in the order's own codes."""

from __future__ import annotations

from typing import Any

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.token_accounts import ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAM
from engine_app.chain.transactions import compose, unsigned_bytes
from engine_app.execution.failures import SYSTEM_PROGRAM, read_failure
from engine_app.markets.venues.registry import venues_for

CLUSTER = CLUSTERS["localnet"]
STRANGER = Pubkey.new_unique()
PROGRAMS = [
    CLUSTER.raydium_cpmm,
    CLUSTER.meteora_damm_v2,
    TOKEN_PROGRAM,
    SYSTEM_PROGRAM,
    STRANGER,
    ASSOCIATED_TOKEN_PROGRAM,
]
FIRST = 2
"""Two compute-budget instructions stand before them."""
TRANSACTION = unsigned_bytes(
    compose(
        Pubkey.new_unique(),
        [Instruction(program, b"", []) for program in PROGRAMS],
        blockhash=Hash.default(),
        compute_unit_limit=1,
        compute_unit_price=0,
    )
)


def custom(index: int, code: int) -> dict[str, Any]:
    return {"InstructionError": [FIRST + index, {"Custom": code}]}


@pytest.mark.parametrize(
    ("error", "logs", "code", "curable"),
    [
        (custom(0, 6005), [], "SLIPPAGE", True),
        (custom(1, 6002), [], "SLIPPAGE", True),
        (
            custom(0, 6010),
            ["Program log: AnchorError occurred. Error Code: ExceededSlippage. Error Number: 6010. Error Message: x"],
            "SLIPPAGE",
            True,
        ),
        (custom(0, 6000), [], "SWAP_FAILED", True),
        (custom(2, 1), [], "INSUFFICIENT_FUNDS", False),
        (custom(3, 1), [], "INSUFFICIENT_FUNDS", False),
        (custom(4, 1), [], "SWAP_FAILED", True),
        (custom(5, 1), [], "INSUFFICIENT_FUNDS", False),
        ({"InstructionError": [FIRST, "ProgramFailedToComplete"]}, [], "SWAP_FAILED", True),
        ({"InsufficientFundsForRent": {"account_index": 0}}, [], "INSUFFICIENT_FUNDS", False),
        ({"InsufficientFundsForRent": {"account_index": 1}}, [], "SWAP_FAILED", True),
        ("InsufficientFundsForFee", [], "INSUFFICIENT_FUNDS", False),
        ("AccountInUse", [], "SWAP_FAILED", True),
    ],
)
def test_errors_are_told_in_the_orders_codes(error: Any, logs: list[str], code: str, curable: bool) -> None:
    failure = read_failure(error, kind="swap", transaction=TRANSACTION, logs=logs, venues=venues_for(CLUSTER))
    assert (failure.code, failure.curable) == (code, curable)
    assert failure.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (custom(2, 17), "TRANSFER_FAILED"),
        ("AccountInUse", "TRANSFER_FAILED"),
        (custom(3, 1), "INSUFFICIENT_FUNDS"),
    ],
)
def test_a_withdrawal_is_not_said_to_be_a_swap(error: Any, code: str) -> None:
    failure = read_failure(error, kind="transfer", transaction=TRANSACTION, logs=[], venues=venues_for(CLUSTER))
    assert failure.code == code
    assert "swap" not in failure.message
