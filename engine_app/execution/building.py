"""The instructions of one swap, and what it needs of the wallet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import (
    WRAPPED_SOL_MINT,
    ata,
    close_wrapped_sol,
    create_ata_idempotent,
    open_wrapped_sol,
    wrapped_sol_address,
)
from engine_app.chain.transactions import SIGNATURE_LAMPORTS
from engine_app.markets.venues.venue import Pool, SwapAccounts

WALLET_SIZE = 0
"""Bytes of a wallet's own account."""


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """One attempt's swap.

    Attributes:
        owner: the trading wallet; signs and pays.
        attempt_id: names the attempt's own wrapped-SOL account.
        pool: where to swap.
        mint_in, mint_out: wrapped SOL's mint stands for SOL.
        amount_in, min_out: base units.
        token_account_rent: rent exemption of a token account, lamports.
        opens_destination: whether the owner's account for `mint_out` does not exist yet.
    """

    owner: Pubkey
    attempt_id: UUID
    pool: Pool
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    min_out: int
    token_account_rent: int
    opens_destination: bool

    @property
    def wrapped_sol(self) -> Pubkey | None:
        """The attempt's own wrapped-SOL account, None where neither side is SOL."""
        if WRAPPED_SOL_MINT in (self.mint_in, self.mint_out):
            return wrapped_sol_address(self.owner, self.attempt_id)
        return None


def token_account(plan: SwapPlan, mint: Pubkey) -> Pubkey:
    """The account that pays or receives `mint`: the attempt's own for SOL, else the owner's associated one."""
    if mint == WRAPPED_SOL_MINT:
        return wrapped_sol_address(plan.owner, plan.attempt_id)
    return ata(plan.owner, mint, plan.pool.token_program(mint))


def swap_instruction(plan: SwapPlan) -> Instruction:
    """The venue's own instruction."""
    user = SwapAccounts(
        owner=plan.owner,
        source=token_account(plan, plan.mint_in),
        destination=token_account(plan, plan.mint_out),
    )
    return plan.pool.swap_instruction(user, plan.mint_in, plan.amount_in, plan.min_out)


def swap_instructions(plan: SwapPlan) -> list[Instruction]:
    """Open what the swap needs, swap, and close what it opened for itself."""
    steps: list[Instruction] = []
    if plan.wrapped_sol is not None:
        wrapped = plan.amount_in if plan.mint_in == WRAPPED_SOL_MINT else 0
        steps += open_wrapped_sol(plan.owner, plan.attempt_id, wrapped, plan.token_account_rent)
    if plan.opens_destination:
        token_program = plan.pool.token_program(plan.mint_out)
        steps.append(create_ata_idempotent(plan.owner, plan.owner, plan.mint_out, token_program))
    steps.append(swap_instruction(plan))
    if plan.wrapped_sol is not None:
        steps.append(close_wrapped_sol(plan.owner, plan.attempt_id))
    return steps


def needs(
    *,
    mint_in: Pubkey,
    mint_out: Pubkey,
    amount_in: int,
    opens_destination: bool,
    token_account_rent: int,
    wallet_rent: int,
    priority_fee: int,
    tries: int,
) -> dict[str, int]:
    """What a swap takes of its wallet at worst, base units per mint; lamports under wrapped SOL's mint.

    Args:
        mint_in, mint_out, amount_in: the swap.
        opens_destination: whether the account for `mint_out` has to be made.
        token_account_rent: rent exemption of a token account, lamports.
        wallet_rent: what the wallet itself has to keep to stay rent exempt, lamports.
        priority_fee: most that one try pays on top of the base fee, lamports.
        tries: how many tries may still be paid for.
    """
    lamports = wallet_rent + tries * (SIGNATURE_LAMPORTS + priority_fee)
    if WRAPPED_SOL_MINT in (mint_in, mint_out):
        lamports += token_account_rent
    if opens_destination:
        lamports += token_account_rent
    if mint_in == WRAPPED_SOL_MINT:
        return {str(WRAPPED_SOL_MINT): lamports + amount_in}
    return {str(WRAPPED_SOL_MINT): lamports, str(mint_in): amount_in}


def priority_fee(compute_unit_limit: int, compute_unit_price: int) -> int:
    """Lamports a transaction pays on top of its base fee: limit × price / 10⁶, rounded up."""
    return -(-compute_unit_limit * compute_unit_price // 1_000_000)


def contended_accounts(plan: SwapPlan) -> tuple[Pubkey, ...]:
    """The accounts of others that the swap writes: those for which a priority fee has to be bid."""
    own = {plan.owner, token_account(plan, plan.mint_in), token_account(plan, plan.mint_out)}
    accounts = swap_instruction(plan).accounts
    return tuple(meta.pubkey for meta in accounts if meta.is_writable and meta.pubkey not in own)
