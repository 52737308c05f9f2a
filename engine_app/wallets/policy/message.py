"""What every message must keep to: the owner alone signs and pays, every account is known, the fee has its bound."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM
from solders.instruction import AccountMeta, CompiledInstruction, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from engine_app.chain.transactions import MAX_COMPUTE_UNITS, MEMO_PROGRAM, attempt_memo
from engine_app.wallets.errors import SignatureRefused

_SET_LIMIT = 2
_SET_PRICE = 3

Reader = Callable[[Instruction], None]
"""Takes up one instruction of a program; raises SignatureRefused."""


class Reading:
    """One pass over a message's instructions, in their order. Each kind of order adds the programs that it calls."""

    def __init__(self, attempt_id: UUID, max_priority_fee: int, readers: Mapping[Pubkey, Reader]) -> None:
        """
        Args:
            attempt_id: the only memo that may stand in the transaction.
            max_priority_fee: lamports that may be paid on top of the base fee.
            readers: by program, what takes up its instructions; any other program is refused.
        """
        self._max_priority_fee = max_priority_fee
        self._readers = {COMPUTE_BUDGET_PROGRAM: self._compute_budget, MEMO_PROGRAM: self._memo, **readers}
        self._allowed_memo: Instruction | None = attempt_memo(attempt_id)
        self._limit: int | None = None
        self._price: int | None = None

    @property
    def spelled_out(self) -> Collection[Pubkey]:
        """Accounts that say who pays and who is paid: no lookup table may stand for them."""
        return ()

    def read(self, instruction: Instruction) -> None:
        """Take up the next instruction; raises SignatureRefused."""
        reader = self._readers.get(instruction.program_id)
        if reader is None:
            raise SignatureRefused(f"it calls the program {instruction.program_id}")
        reader(instruction)

    def finish(self) -> None:
        """Check what only the whole message shows; raises SignatureRefused."""
        if self._limit is None:
            raise SignatureRefused("it sets no compute-unit limit")
        if self._limit * (self._price or 0) > self._max_priority_fee * 1_000_000:
            raise SignatureRefused(f"it pays {self._price} micro-lamports for each of {self._limit} compute units")

    def _compute_budget(self, instruction: Instruction) -> None:
        data = instruction.data
        if instruction.accounts:
            raise SignatureRefused("a compute-budget instruction names accounts")
        if len(data) == 5 and data[0] == _SET_LIMIT and self._limit is None:
            self._limit = int(struct.unpack("<I", data[1:])[0])
            if self._limit > MAX_COMPUTE_UNITS:
                raise SignatureRefused(f"it asks for {self._limit} compute units")
        elif len(data) == 9 and data[0] == _SET_PRICE and self._price is None:
            self._price = int(struct.unpack("<Q", data[1:])[0])
        else:
            raise SignatureRefused("an unknown or repeated compute-budget instruction")

    def _memo(self, instruction: Instruction) -> None:
        if self._allowed_memo is None or not same(instruction, self._allowed_memo):
            raise SignatureRefused("a memo that is not this attempt's")
        self._allowed_memo = None


class Allowance(Protocol):
    """What one attempt may do, in plain values."""

    @property
    def owner(self) -> Pubkey:
        """The trading address, as stored."""
        ...

    @property
    def derivation_index(self) -> int:
        """n of its path."""
        ...

    @property
    def attempt_id(self) -> UUID:
        """The attempt's."""
        ...

    def reading(self) -> Reading:
        """A fresh pass over a message."""
        ...


def require_allowed(
    message: MessageV0, allowed: Allowance, lookup_tables: Sequence[AddressLookupTableAccount] = ()
) -> None:
    """Check that signing this message does nothing but what is allowed.

    Args:
        message: what would be signed.
        allowed: what it may do.
        lookup_tables: every table the message refers to, as it is on chain.

    Raises:
        SignatureRefused: with the first thing that is not allowed.
    """
    header = message.header
    if header.num_required_signatures != 1 or header.num_readonly_signed_accounts != 0:
        raise SignatureRefused("the message asks for other signatures than the owner's alone")
    keys = _account_keys(message, lookup_tables)
    if keys[0] != allowed.owner:
        raise SignatureRefused("the fee payer is not the owner")
    reading = allowed.reading()
    # What stands behind an index is a node's word: it may be taken for what a program checks, not for who is paid.
    if not set(reading.spelled_out).isdisjoint(keys[len(message.account_keys) :]):
        raise SignatureRefused("it says by a lookup table who pays or who is paid")
    for compiled in message.instructions:
        reading.read(_resolved(compiled, keys))
    reading.finish()


def same(instruction: Instruction, wanted: Instruction) -> bool:
    """Whether data and accounts are equal. Who signs is the message's header; flags there are the union of uses."""
    return (
        instruction.program_id == wanted.program_id
        and instruction.data == wanted.data
        and [meta.pubkey for meta in instruction.accounts] == [meta.pubkey for meta in wanted.accounts]
    )


def _account_keys(message: MessageV0, tables: Sequence[AddressLookupTableAccount]) -> list[Pubkey]:
    """Static keys, then those of the tables: all writable ones, then all read-only ones."""
    known = {table.key: table.addresses for table in tables}
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    for lookup in message.address_table_lookups:
        addresses = known.get(lookup.account_key)
        if addresses is None:
            raise SignatureRefused(f"it refers to the unknown lookup table {lookup.account_key}")
        for indexes, found in ((lookup.writable_indexes, writable), (lookup.readonly_indexes, readonly)):
            if any(index >= len(addresses) for index in indexes):
                raise SignatureRefused(f"it refers behind the end of the lookup table {lookup.account_key}")
            found.extend(addresses[index] for index in indexes)
    keys = [*message.account_keys, *writable, *readonly]
    if not message.account_keys:
        raise SignatureRefused("it names no accounts")
    if len(set(keys)) != len(keys):
        raise SignatureRefused("it names an account twice")
    return keys


def _resolved(compiled: CompiledInstruction, keys: Sequence[Pubkey]) -> Instruction:
    indexes = bytes(compiled.accounts)
    if max(compiled.program_id_index, *indexes, 0) >= len(keys):
        raise SignatureRefused("an instruction refers to an account that the message does not name")
    metas = [AccountMeta(keys[index], is_signer=index == 0, is_writable=False) for index in indexes]
    return Instruction(keys[compiled.program_id_index], bytes(compiled.data), metas)
