"""What the signer lets pass: every instruction of a message is read, and what the order does not ask for is refused.

Each instruction is compared, data and accounts, with the one it must be; swaps are read by their venue's own
decoder. The policy knows plain values, never an order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM
from solders.instruction import AccountMeta, CompiledInstruction, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import (
    ASSOCIATED_TOKEN_PROGRAM,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    close_wrapped_sol,
    create_ata_idempotent,
    open_wrapped_sol,
    wrapped_sol_address,
)
from engine_app.chain.transactions import MAX_COMPUTE_UNITS
from engine_app.markets.venues.venue import SwapAccounts, Venue
from engine_app.wallets.errors import SignatureRefused

_SET_LIMIT = 2
_SET_PRICE = 3
_TRANSFER_BYTES = 12
_CREATE_LAMPORTS_AT = 4 + 32 + 8 + 32
"""Offset of the lamports in create_account_with_seed with a seed of 32 characters."""
_SYNC_NATIVE = b"\x11"


@dataclass(frozen=True, slots=True)
class SwapAllowance:
    """What one attempt of a swap may do.

    Attributes:
        owner: the trading address, as stored.
        derivation_index: n of its path.
        attempt_id: names the attempt's own wrapped-SOL account.
        mint_in, mint_out: the pair; wrapped SOL's mint stands for SOL.
        token_program_in, token_program_out: the token programs of the two mints.
        amount_in: base units of `mint_in` that are swapped, exactly.
        min_out: base units of `mint_out` that the swap must ask for, exactly.
        max_rent: lamports that may lie in the wrapped-SOL account beyond the amount.
        max_priority_fee: lamports that may be paid on top of the base fee.
        venues: the programs that may be called.
    """

    owner: Pubkey
    derivation_index: int
    attempt_id: UUID
    mint_in: Pubkey
    mint_out: Pubkey
    token_program_in: Pubkey
    token_program_out: Pubkey
    amount_in: int
    min_out: int
    max_rent: int
    max_priority_fee: int
    venues: tuple[Venue, ...]


def require_allowed(
    message: MessageV0, allowed: SwapAllowance, lookup_tables: Sequence[AddressLookupTableAccount] = ()
) -> None:
    """Check that signing this message does nothing but the allowed swap.

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
    reading = _Reading(allowed)
    for compiled in message.instructions:
        reading.read(_resolved(compiled, keys))
    reading.finish()


class _Wrapped(Enum):
    """How far the attempt's wrapped-SOL account has come within the message."""

    ABSENT = "absent"
    CREATED = "created"
    OPEN = "open"
    CLOSED = "closed"


class _Reading:
    """One pass over a message's instructions, in their order."""

    def __init__(self, allowed: SwapAllowance) -> None:
        self._allowed = allowed
        self._wrapped = _Wrapped.ABSENT
        self._wraps = WRAPPED_SOL_MINT in (allowed.mint_in, allowed.mint_out)
        self._deposited = 0
        self._limit: int | None = None
        self._price: int | None = None
        self._created_for: set[Pubkey] = set()
        self._swapped = False
        self._venues = {venue.program_id: venue for venue in allowed.venues}
        self._readers: dict[Pubkey, Callable[[Instruction], None]] = {
            COMPUTE_BUDGET_PROGRAM: self._compute_budget,
            SYSTEM_PROGRAM: self._system,
            ASSOCIATED_TOKEN_PROGRAM: self._associated_token,
            TOKEN_PROGRAM: self._token,
        }

    def read(self, instruction: Instruction) -> None:
        """Take up the next instruction; raises SignatureRefused."""
        reader = self._readers.get(instruction.program_id)
        if reader is not None:
            reader(instruction)
        elif instruction.program_id in self._venues:
            self._swap(instruction, self._venues[instruction.program_id])
        else:
            raise SignatureRefused(f"it calls the program {instruction.program_id}")

    def finish(self) -> None:
        """Check what only the whole message shows; raises SignatureRefused."""
        if not self._swapped:
            raise SignatureRefused("it does not swap")
        if self._limit is None:
            raise SignatureRefused("it sets no compute-unit limit")
        if self._limit * (self._price or 0) > self._allowed.max_priority_fee * 1_000_000:
            raise SignatureRefused(f"it pays {self._price} micro-lamports for each of {self._limit} compute units")
        if self._wraps and self._wrapped is not _Wrapped.CLOSED:
            raise SignatureRefused("it leaves its wrapped-SOL account open")

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

    def _system(self, instruction: Instruction) -> None:
        allowed = self._allowed
        address = wrapped_sol_address(allowed.owner, allowed.attempt_id)
        data = instruction.data
        if self._wraps and self._wrapped is _Wrapped.ABSENT and len(data) >= _CREATE_LAMPORTS_AT + 8:
            lamports = int(struct.unpack_from("<Q", data, _CREATE_LAMPORTS_AT)[0])
            create, _ = open_wrapped_sol(allowed.owner, allowed.attempt_id, lamports, 0)
            if _same(instruction, create):
                self._wrapped = _Wrapped.CREATED
                self._deposit(lamports)
                return
        if self._wrapped in (_Wrapped.CREATED, _Wrapped.OPEN) and len(data) == _TRANSFER_BYTES:
            lamports = int(struct.unpack_from("<Q", data, 4)[0])
            params = TransferParams(from_pubkey=allowed.owner, to_pubkey=address, lamports=lamports)
            if _same(instruction, transfer(params)):
                self._deposit(lamports)
                return
        raise SignatureRefused("a system instruction that is not for this attempt's wrapped-SOL account")

    def _deposit(self, lamports: int) -> None:
        self._deposited += lamports
        spent = self._allowed.amount_in if self._allowed.mint_in == WRAPPED_SOL_MINT else 0
        if self._deposited > spent + self._allowed.max_rent:
            raise SignatureRefused(f"it moves {self._deposited} lamports into its wrapped-SOL account")

    def _associated_token(self, instruction: Instruction) -> None:
        allowed = self._allowed
        for mint, program in (
            (allowed.mint_in, allowed.token_program_in),
            (allowed.mint_out, allowed.token_program_out),
        ):
            if mint == WRAPPED_SOL_MINT or mint in self._created_for:
                continue
            if _same(instruction, create_ata_idempotent(allowed.owner, allowed.owner, mint, program)):
                self._created_for.add(mint)
                return
        raise SignatureRefused("it makes a token account that the swap does not need")

    def _token(self, instruction: Instruction) -> None:
        owner, attempt_id = self._allowed.owner, self._allowed.attempt_id
        _, initialize = open_wrapped_sol(owner, attempt_id, 0, 0)
        address = wrapped_sol_address(owner, attempt_id)
        sync = Instruction(TOKEN_PROGRAM, _SYNC_NATIVE, [AccountMeta(address, False, True)])
        if self._wrapped is _Wrapped.CREATED and _same(instruction, initialize):
            self._wrapped = _Wrapped.OPEN
        elif self._wrapped is _Wrapped.OPEN and _same(instruction, close_wrapped_sol(owner, attempt_id)):
            self._wrapped = _Wrapped.CLOSED
        elif not (self._wrapped is _Wrapped.OPEN and _same(instruction, sync)):
            raise SignatureRefused("a token instruction that is not for this attempt's wrapped-SOL account")

    def _swap(self, instruction: Instruction, venue: Venue) -> None:
        allowed = self._allowed
        try:
            request = venue.read_swap(instruction)
        except DecodeError as error:
            raise SignatureRefused(f"an instruction of {venue.name} that is no swap: {error}") from None
        if self._swapped:
            raise SignatureRefused("it swaps twice")
        if self._wraps and self._wrapped is not _Wrapped.OPEN:
            raise SignatureRefused("it swaps while its wrapped-SOL account is not open")
        user = SwapAccounts(
            owner=allowed.owner,
            source=self._token_account(allowed.mint_in, allowed.token_program_in),
            destination=self._token_account(allowed.mint_out, allowed.token_program_out),
        )
        if request.user != user:
            raise SignatureRefused("the swap names other accounts than the owner's")
        named = [meta.pubkey for meta in instruction.accounts]
        mints = (allowed.mint_in, allowed.mint_out)
        if request.mints not in (frozenset(mints), frozenset()):
            raise SignatureRefused("the swap is of another pair")
        # Where the program reads no mints, the user's two token accounts alone give the pair.
        times = {user.owner: 1, user.source: 1, user.destination: 1} | dict.fromkeys(mints, 1 if request.mints else 0)
        if any(named.count(key) != count for key, count in times.items()):
            raise SignatureRefused("the swap passes the owner's accounts or the mints off as the pool's")
        if (request.amount_in, request.min_out) != (allowed.amount_in, allowed.min_out):
            raise SignatureRefused(
                f"the swap gives {request.amount_in} for at least {request.min_out}, "
                f"the order {allowed.amount_in} for at least {allowed.min_out}"
            )
        self._swapped = True

    def _token_account(self, mint: Pubkey, token_program: Pubkey) -> Pubkey:
        if mint == WRAPPED_SOL_MINT:
            return wrapped_sol_address(self._allowed.owner, self._allowed.attempt_id)
        return ata(self._allowed.owner, mint, token_program)


def _same(instruction: Instruction, wanted: Instruction) -> bool:
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
