"""Versioned transactions: instructions in, message and wire bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.chain.errors import TransactionTooLarge

MAX_TRANSACTION_BYTES = 1232
"""What a legacy or version 0 transaction may have on the wire: one IPv6 packet less its headers."""
MAX_ACCOUNTS = 64
"""Most accounts that one transaction may lock, those of lookup tables among them."""
MAX_COMPUTE_UNITS = 1_400_000
"""Most compute units that one transaction may ask for."""
SIGNATURE_LAMPORTS = 5_000
"""Base fee per signature, lamports; every transaction of the engine has one."""
MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")

LEAST_SPARE_UNITS = 15_000


def compose(
    payer: Pubkey,
    instructions: Sequence[Instruction],
    *,
    blockhash: Hash,
    compute_unit_limit: int,
    compute_unit_price: int,
    lookup_tables: Sequence[AddressLookupTableAccount] = (),
) -> MessageV0:
    """A message that asks for its compute budget first and then runs the instructions.

    Args:
        payer: signs and pays.
        instructions: in the order they run.
        blockhash: limits the transaction's life.
        compute_unit_limit: compute units, at most `MAX_COMPUTE_UNITS`.
        compute_unit_price: micro-lamports per compute unit.
        lookup_tables: tables whose addresses may stand as an index.

    Raises:
        TransactionTooLarge: signed it would be more than 1232 bytes.
    """
    budget = (set_compute_unit_limit(compute_unit_limit), set_compute_unit_price(compute_unit_price))
    message = MessageV0.try_compile(payer, [*budget, *instructions], list(lookup_tables), blockhash)
    size = len(unsigned_bytes(message))
    if size > MAX_TRANSACTION_BYTES:
        raise TransactionTooLarge(
            f"the transaction has {size} bytes, {MAX_TRANSACTION_BYTES} is the most that the network takes"
        )
    return message


def footprint(
    payer: Pubkey, instructions: Sequence[Instruction], lookup_tables: Sequence[AddressLookupTableAccount] = ()
) -> tuple[int, int]:
    """How many bytes a transaction of these instructions has on the wire, and how many accounts it locks."""
    budget = (set_compute_unit_limit(0), set_compute_unit_price(0))
    message = MessageV0.try_compile(payer, [*budget, *instructions], list(lookup_tables), Hash.default())
    looked_up = sum(
        len(lookup.writable_indexes) + len(lookup.readonly_indexes) for lookup in message.address_table_lookups
    )
    return len(unsigned_bytes(message)), len(message.account_keys) + looked_up


def unsigned_bytes(message: MessageV0) -> bytes:
    """Wire bytes with empty signatures, as simulation without signature check takes them."""
    return signed_bytes(message, [Signature.default()] * message.header.num_required_signatures)


def signed_bytes(message: MessageV0, signatures: Sequence[Signature]) -> bytes:
    """Wire bytes of the message with its signatures, in the order of its signers."""
    return bytes(VersionedTransaction.populate(message, list(signatures)))


def with_margin(compute_units: int) -> int:
    """The compute-unit limit for a transaction whose simulation used this many: a tenth more, rounded up, and at least
    `LEAST_SPARE_UNITS` more: what another trade does to a pool meanwhile changes the cost of its arithmetic by more
    than a tenth of a small transaction."""
    return min(max(-(-compute_units * 11 // 10), compute_units + LEAST_SPARE_UNITS), MAX_COMPUTE_UNITS)


def attempt_memo(attempt_id: UUID) -> Instruction:
    """A memo with the attempt id's hex digits, for token accounts that take nothing without one."""
    return Instruction(MEMO_PROGRAM, attempt_id.hex.encode(), [])
