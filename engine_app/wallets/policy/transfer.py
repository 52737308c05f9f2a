"""A withdrawal: one transfer of the order's amount to the order's destination, whose token account may be made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from engine_app.chain.token_accounts import ASSOCIATED_TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.chain.token_instructions import create_ata_idempotent, transfer_checked, transfer_checked_with_fee
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy.message import Reader, Reading, same


@dataclass(frozen=True, slots=True)
class TransferAllowance:
    """What one attempt of a withdrawal may do.

    Attributes:
        owner: the trading address, as stored.
        derivation_index: n of its path.
        attempt_id: the only memo that may stand in the transaction.
        destination: the wallet that receives.
        mint: what is sent; wrapped SOL's mint stands for SOL.
        token_program: the mint's; of no meaning for SOL.
        decimals: the mint's.
        amount: base units that leave the owner, exactly.
        withheld: base units of them that the mint keeps, exactly; None for a mint that has no such rule.
        max_priority_fee: lamports that may be paid on top of the base fee.
    """

    owner: Pubkey
    derivation_index: int
    attempt_id: UUID
    destination: Pubkey
    mint: Pubkey
    token_program: Pubkey
    decimals: int
    amount: int
    withheld: int | None
    max_priority_fee: int

    def reading(self) -> Reading:
        """A fresh pass over a message."""
        return _TransferReading(self)


class _TransferReading(Reading):
    """One pass over a withdrawal's instructions."""

    def __init__(self, allowed: TransferAllowance) -> None:
        readers: dict[Pubkey, Reader] = {SYSTEM_PROGRAM: self._transfer}
        if allowed.mint != WRAPPED_SOL_MINT:
            readers = {allowed.token_program: self._transfer, ASSOCIATED_TOKEN_PROGRAM: self._associated_token}
        super().__init__(allowed.attempt_id, allowed.max_priority_fee, readers)
        self._allowed = allowed
        self._created = False
        self._transferred = False

    @property
    def spelled_out(self) -> Collection[Pubkey]:
        """The two ends of the transfer: no lookup table may stand for them."""
        return [meta.pubkey for meta in _wanted(self._allowed).accounts]

    def finish(self) -> None:
        """Check what only the whole message shows; raises SignatureRefused."""
        if not self._transferred:
            raise SignatureRefused("it does not transfer")
        super().finish()

    def _associated_token(self, instruction: Instruction) -> None:
        allowed = self._allowed
        create = create_ata_idempotent(allowed.owner, allowed.destination, allowed.mint, allowed.token_program)
        if self._created or not same(instruction, create):
            raise SignatureRefused("it makes a token account that the withdrawal does not need")
        self._created = True

    def _transfer(self, instruction: Instruction) -> None:
        if self._transferred:
            raise SignatureRefused("it transfers twice")
        if not same(instruction, _wanted(self._allowed)):
            raise SignatureRefused("it moves something else, or elsewhere, than the withdrawal")
        self._transferred = True


def _wanted(allowed: TransferAllowance) -> Instruction:
    """The one transfer that an allowance lets pass."""
    owner, destination, mint, program = allowed.owner, allowed.destination, allowed.mint, allowed.token_program
    if mint == WRAPPED_SOL_MINT:
        return transfer(TransferParams(from_pubkey=owner, to_pubkey=destination, lamports=allowed.amount))
    source, account = ata(owner, mint, program), ata(destination, mint, program)
    if allowed.withheld is None:
        return transfer_checked(source, mint, account, owner, allowed.amount, allowed.decimals, program)
    return transfer_checked_with_fee(source, mint, account, owner, allowed.amount, allowed.decimals, allowed.withheld)
