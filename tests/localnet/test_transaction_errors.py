"""Every transaction error becomes Solana's JSON and has a sentence."""

import pytest
from solders.transaction_status import (
    InstructionErrorCustom,
    InstructionErrorFieldless,
    TransactionErrorDuplicateInstruction,
    TransactionErrorFieldless,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
    TransactionErrorProgramExecutionTemporarilyRestricted,
    TransactionErrorType,
)

from engine_app.localnet.transaction_errors import TransactionErrorJson, sentence, to_json


@pytest.mark.parametrize(
    ("error", "json", "said"),
    [
        (TransactionErrorFieldless.BlockhashNotFound, "BlockhashNotFound", "Blockhash not found"),
        (
            TransactionErrorInstructionError(2, InstructionErrorCustom(6005)),
            {"InstructionError": [2, {"Custom": 6005}]},
            "Error processing Instruction 2: custom program error: 0x1775",
        ),
        (
            TransactionErrorInstructionError(0, InstructionErrorFieldless.InvalidAccountData),
            {"InstructionError": [0, "InvalidAccountData"]},
            "Error processing Instruction 0: invalid account data for instruction",
        ),
        (
            TransactionErrorDuplicateInstruction(3),
            {"DuplicateInstruction": 3},
            "Transaction contains a duplicate instruction (3) that is not allowed",
        ),
        (
            TransactionErrorInsufficientFundsForRent(1),
            {"InsufficientFundsForRent": {"account_index": 1}},
            "Transaction results in an account (1) with insufficient funds for rent",
        ),
        (
            TransactionErrorProgramExecutionTemporarilyRestricted(4),
            {"ProgramExecutionTemporarilyRestricted": {"account_index": 4}},
            "Execution of the program referenced by account at index 4 is temporarily restricted.",
        ),
    ],
)
def test_an_error_and_its_sentence(error: TransactionErrorType, json: TransactionErrorJson, said: str) -> None:
    assert to_json(error) == json
    assert sentence(json) == said


def _variants(kind: type) -> list[str]:
    return [name for name in vars(kind) if name[0].isupper()]


@pytest.mark.parametrize("name", _variants(TransactionErrorFieldless))
def test_every_transaction_error_has_a_sentence(name: str) -> None:
    assert sentence(to_json(getattr(TransactionErrorFieldless, name)))


@pytest.mark.parametrize("name", _variants(InstructionErrorFieldless))
def test_every_instruction_error_has_a_sentence(name: str) -> None:
    error = TransactionErrorInstructionError(0, getattr(InstructionErrorFieldless, name))
    assert sentence(to_json(error)).startswith("Error processing Instruction 0: ")
