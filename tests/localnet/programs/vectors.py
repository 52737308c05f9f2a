"""Runs the measured cases of `tests/vectors` as signed transactions through a built program in LiteSVM."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError

VECTORS = Path(__file__).parents[2] / "vectors"
TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
TRANSFER_FEE_AMOUNT_EXTENSION = bytes([2, 0, 8, 0]) + bytes(8)
"""What an account of a mint with transfer fees must carry: nothing withheld yet (spl-token-2022)."""
TAKER = Keypair.from_seed(bytes([7]) * 32)
USER_IN = Keypair.from_seed(bytes([8]) * 32).pubkey()
USER_OUT = Keypair.from_seed(bytes([9]) * 32).pubkey()
LAMPORTS = 10**10


def load(name: str) -> dict[str, Any]:
    """The vector file `name` (without its endings)."""
    data: dict[str, Any] = json.loads(gzip.decompress((VECTORS / f"{name}.json.gz").read_bytes()))
    return data


@dataclass(frozen=True)
class Outcome:
    """What a swap did: base units received and sent, or the program's custom error; and its log."""

    received: int
    spent: int
    error: int | str | None
    logs: Sequence[str]
    compute_units: int


class Chain:
    """A fresh chain in one state of a vector file, with the program under test at its id."""

    def __init__(self, program_id: Pubkey, program: bytes, state: dict[str, Any]) -> None:
        self.program_id = program_id
        self.accounts = {
            Pubkey.from_string(address): (
                Pubkey.from_string(a["owner"]),
                int(a["lamports"]),
                base64.b64decode(a["data"]),
            )
            for address, a in state["accounts"].items()
        }
        self.svm = LiteSVM().with_blockhash_check(False)
        self.svm.add_program(program_id, program)
        self.svm.set_clock(Clock(state["slot"], 0, state["epoch"], state["epoch"], state["unix_timestamp"]))
        for address, (owner, lamports, data) in self.accounts.items():
            self.svm.set_account(address, Account(lamports, data, owner))
        self.svm.airdrop(TAKER.pubkey(), LAMPORTS)

    def data(self, address: Pubkey) -> bytes:
        """An account's bytes on the chain now."""
        account = self.svm.get_account(address)
        assert account is not None, f"no account {address}"
        return bytes(account.data)

    def patch(self, address: Pubkey, at: int, data: bytes) -> None:
        """Overwrites bytes of an account of the state."""
        owner, lamports, old = self.accounts[address]
        self.accounts[address] = owner, lamports, old[:at] + data + old[at + len(data) :]
        self.svm.set_account(address, Account(lamports, self.accounts[address][2], owner))

    def number(self, address: Pubkey, at: int, size: int = 8) -> int:
        """A little-endian integer of an account now."""
        return int.from_bytes(self.data(address)[at : at + size], "little")

    def token_program(self, mint: Pubkey) -> Pubkey:
        """The token program that a mint of the state belongs to."""
        return self.accounts[mint][0]

    def give(self, address: Pubkey, mint: Pubkey, amount: int, owner: Pubkey | None = None) -> None:
        """Sets a token account of `amount` base units of `mint`, owned by the taker unless told."""
        account = bytes(mint) + bytes(owner or TAKER.pubkey()) + amount.to_bytes(8, "little")
        account = account.ljust(108, b"\0") + b"\x01"
        account = account.ljust(165, b"\0")
        if self.token_program(mint) == TOKEN_2022_PROGRAM:
            account += b"\x02" + TRANSFER_FEE_AMOUNT_EXTENSION
        self.svm.set_account(address, Account(LAMPORTS, account, self.token_program(mint)))

    def balance(self, address: Pubkey) -> int:
        """Base units in a token account."""
        return self.number(address, 64)

    def send(self, data: bytes, accounts: list[AccountMeta], times: int = 1) -> Outcome:
        """Signs and sends one transaction of `times` equal swaps between the taker's USER_IN and USER_OUT."""
        before = self.balance(USER_IN), self.balance(USER_OUT)
        instructions = [Instruction(self.program_id, data, accounts)] * times
        message = Message.new_with_blockhash(instructions, TAKER.pubkey(), Hash.default())
        result = self.svm.send_transaction(Transaction([TAKER], message, Hash.default()))
        after = self.balance(USER_IN), self.balance(USER_OUT)
        meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        assert isinstance(meta, TransactionMetadata)
        return Outcome(
            received=after[1] - before[1],
            spent=before[0] - after[0],
            error=_error(result),
            logs=meta.logs(),
            compute_units=meta.compute_units_consumed(),
        )


def _error(result: TransactionMetadata | FailedTransactionMetadata) -> int | str | None:
    if not isinstance(result, FailedTransactionMetadata):
        return None
    error = result.err()
    if isinstance(error, TransactionErrorInstructionError):
        if isinstance(error.err, InstructionErrorCustom):
            return error.err.code
        return str(error.err)
    return str(error)
