"""A swap: the attempt's own wrapped-SOL account, the owner's token accounts, and one call of a venue for each leg.

Legs are read by their venue's own decoder.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from uuid import UUID

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import (
    ASSOCIATED_TOKEN_PROGRAM,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import (
    close_wrapped_sol,
    create_ata_idempotent,
    initialize_wrapped_sol,
    open_wrapped_sol,
)
from engine_app.markets.venues.venue import SwapAccounts, Venue
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy.message import Reading, same

_TRANSFER_BYTES = 12
_CREATE_LAMPORTS_AT = 4 + 32 + 8 + 32
"""Offset of the lamports in create_account_with_seed with a seed of 32 characters."""
_SYNC_NATIVE = b"\x11"


@dataclass(frozen=True, slots=True)
class SwapLeg:
    """One call of a venue.

    Attributes:
        mint_in, mint_out: what is paid and received; wrapped SOL's mint stands for SOL.
        amount_in: base units of `mint_in` that it must offer: exactly, at most where `exact_out`.
        min_out: base units of `mint_out` that it must ask for: at least, exactly where `exact_out`.
        exact_out: whether it buys an exact amount instead of selling one.
    """

    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    min_out: int
    exact_out: bool = False


@dataclass(frozen=True, slots=True)
class SwapAllowance:
    """What one attempt of a swap may do.

    Attributes:
        owner: the trading address, as stored.
        derivation_index: n of its path.
        attempt_id: names the attempt's own wrapped-SOL account.
        mint_in, mint_out: the pair; wrapped SOL's mint stands for SOL.
        amount_in: base units of `mint_in` that the legs offer together, exactly.
        min_out: base units of `mint_out` that the legs must ask for together, exactly.
        legs: the calls of venues in their order: all from `mint_in` to `mint_out`, or some to a mint in between and
            then, spending no more than these are sure to bring, some from there on.
        token_programs: the token program of every mint of the legs.
        max_rent: lamports that may lie in the wrapped-SOL account beyond the amount.
        max_priority_fee: lamports that may be paid on top of the base fee.
        venues: the programs that may be called.
    """

    owner: Pubkey
    derivation_index: int
    attempt_id: UUID
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    min_out: int
    legs: tuple[SwapLeg, ...]
    token_programs: Mapping[Pubkey, Pubkey]
    max_rent: int
    max_priority_fee: int
    venues: tuple[Venue, ...]

    def reading(self) -> Reading:
        """A fresh pass over a message."""
        return _SwapReading(self)


class _Wrapped(Enum):
    """How far the attempt's wrapped-SOL account has come within the message."""

    ABSENT = "absent"
    CREATED = "created"
    OPEN = "open"
    CLOSED = "closed"


class _SwapReading(Reading):
    """One pass over a swap's instructions."""

    def __init__(self, allowed: SwapAllowance) -> None:
        super().__init__(
            allowed.attempt_id,
            allowed.max_priority_fee,
            {venue.program_id: partial(self._swap, venue) for venue in allowed.venues}
            | {
                SYSTEM_PROGRAM: self._system,
                ASSOCIATED_TOKEN_PROGRAM: self._associated_token,
                TOKEN_PROGRAM: self._token,
            },
        )
        _require_whole(allowed)
        self._allowed = allowed
        self._wrapped = _Wrapped.ABSENT
        mints = dict.fromkeys(mint for leg in allowed.legs for mint in (leg.mint_in, leg.mint_out))
        self._wraps = WRAPPED_SOL_MINT in mints
        self._deposited = 0
        self._accounts = {mint: self._token_account(mint) for mint in mints}
        self._not_created = [mint for mint in mints if mint != WRAPPED_SOL_MINT]
        self._swapped = 0

    @property
    def spelled_out(self) -> Collection[Pubkey]:
        """The owner's accounts of the legs' tokens: no lookup table may stand for them."""
        return self._accounts.values()

    def finish(self) -> None:
        """Check what only the whole message shows; raises SignatureRefused."""
        if self._swapped != len(self._allowed.legs):
            raise SignatureRefused(f"it makes {self._swapped} of {len(self._allowed.legs)} swaps")
        super().finish()
        if self._wraps and self._wrapped is not _Wrapped.CLOSED:
            raise SignatureRefused("it leaves its wrapped-SOL account open")

    def _system(self, instruction: Instruction) -> None:
        allowed = self._allowed
        address = wrapped_sol_address(allowed.owner, allowed.attempt_id)
        data = instruction.data
        if self._wraps and self._wrapped is _Wrapped.ABSENT and len(data) >= _CREATE_LAMPORTS_AT + 8:
            lamports = int(struct.unpack_from("<Q", data, _CREATE_LAMPORTS_AT)[0])
            create, _ = open_wrapped_sol(allowed.owner, allowed.attempt_id, lamports, 0)
            if same(instruction, create):
                self._wrapped = _Wrapped.CREATED
                self._deposit(lamports)
                return
        if self._wrapped in (_Wrapped.CREATED, _Wrapped.OPEN) and len(data) == _TRANSFER_BYTES:
            lamports = int(struct.unpack_from("<Q", data, 4)[0])
            params = TransferParams(from_pubkey=allowed.owner, to_pubkey=address, lamports=lamports)
            if same(instruction, transfer(params)):
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
        for mint in self._not_created:
            program = allowed.token_programs[mint]
            if same(instruction, create_ata_idempotent(allowed.owner, allowed.owner, mint, program)):
                self._not_created.remove(mint)
                return
        raise SignatureRefused("it makes a token account that the swap does not need")

    def _token(self, instruction: Instruction) -> None:
        owner, attempt_id = self._allowed.owner, self._allowed.attempt_id
        address = wrapped_sol_address(owner, attempt_id)
        sync = Instruction(TOKEN_PROGRAM, _SYNC_NATIVE, [AccountMeta(address, False, True)])
        if self._wrapped is _Wrapped.CREATED and same(instruction, initialize_wrapped_sol(owner, attempt_id)):
            self._wrapped = _Wrapped.OPEN
        elif self._wrapped is _Wrapped.OPEN and same(instruction, close_wrapped_sol(owner, attempt_id)):
            self._wrapped = _Wrapped.CLOSED
        elif not (self._wrapped is _Wrapped.OPEN and same(instruction, sync)):
            raise SignatureRefused("a token instruction that is not for this attempt's wrapped-SOL account")

    def _swap(self, venue: Venue, instruction: Instruction) -> None:
        allowed = self._allowed
        try:
            request = venue.read_swap(instruction)
        except DecodeError as error:
            raise SignatureRefused(f"an instruction of {venue.name} that is no swap: {error}") from None
        if self._swapped == len(allowed.legs):
            raise SignatureRefused("it swaps once more than the order does")
        leg = allowed.legs[self._swapped]
        if self._wraps and self._wrapped is not _Wrapped.OPEN:
            raise SignatureRefused("it swaps while its wrapped-SOL account is not open")
        user = SwapAccounts(
            owner=allowed.owner, source=self._accounts[leg.mint_in], destination=self._accounts[leg.mint_out]
        )
        if request.user != user:
            raise SignatureRefused("the swap names other accounts than the owner's")
        named = [meta.pubkey for meta in instruction.accounts]
        mints = (leg.mint_in, leg.mint_out)
        if request.mints not in (frozenset(mints), frozenset()):
            raise SignatureRefused("the swap is of another pair")
        # Where the program reads no mints, the user's two token accounts alone give the pair.
        times = dict.fromkeys((*self._accounts, *self._accounts.values()), 0)
        times |= {user.owner: 1, user.source: 1, user.destination: 1} | dict.fromkeys(request.mints, 1)
        if any(named.count(key) != count for key, count in times.items()):
            raise SignatureRefused("the swap passes the owner's accounts or the mints off as the pool's")
        if request.exact_out != leg.exact_out:
            raise SignatureRefused("the swap sells where the order buys an exact amount, or the other way round")
        if (request.amount_in, request.min_out) != (leg.amount_in, leg.min_out):
            raise SignatureRefused(
                f"the swap gives {request.amount_in} for {request.min_out}, the order {leg.amount_in} for {leg.min_out}"
            )
        self._swapped += 1

    def _token_account(self, mint: Pubkey) -> Pubkey:
        if mint == WRAPPED_SOL_MINT:
            return wrapped_sol_address(self._allowed.owner, self._allowed.attempt_id)
        return ata(self._allowed.owner, mint, self._allowed.token_programs[mint])


def _require_whole(allowed: SwapAllowance) -> None:
    """Raises SignatureRefused unless the legs together are the swap of `amount_in` for at least `min_out`, in which
    nothing of a mint in between is spent that the same legs are not sure to have brought."""
    pair = (allowed.mint_in, allowed.mint_out)
    first = [leg for leg in allowed.legs if leg.mint_in == allowed.mint_in]
    last = [leg for leg in allowed.legs if leg.mint_out == allowed.mint_out]
    known = allowed.mint_in != allowed.mint_out and all(
        mint in allowed.token_programs for leg in allowed.legs for mint in (leg.mint_in, leg.mint_out)
    )
    direct = all((leg.mint_in, leg.mint_out) == pair for leg in allowed.legs)
    if not known or not allowed.legs or not (direct or _is_two_hops(allowed.legs, first, last)):
        raise SignatureRefused("the legs do not lead from one token to the other")
    given, asked = sum(leg.amount_in for leg in first), sum(leg.min_out for leg in last)
    if (given, asked) != (allowed.amount_in, allowed.min_out):
        raise SignatureRefused(
            f"the legs give {given} for at least {asked}, the order {allowed.amount_in} for {allowed.min_out}"
        )


def _is_two_hops(legs: Sequence[SwapLeg], first: Sequence[SwapLeg], last: Sequence[SwapLeg]) -> bool:
    """Whether the legs go to a mint in between, and on from there with no more of it than they are sure to bring."""
    between = {leg.mint_out for leg in first} | {leg.mint_in for leg in last}
    return (
        list(legs) == [*first, *last]
        and bool(first and last)
        and len(between) == 1
        and sum(leg.amount_in for leg in last) <= sum(leg.min_out for leg in first)
    )
