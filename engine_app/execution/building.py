"""What carrying a route out needs of the wallet, and what it competes for. Pure."""

from __future__ import annotations

from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.chain.transactions import SIGNATURE_LAMPORTS
from engine_app.markets.routing.plan import SwapPlan, leg_instruction, token_account

WALLET_SIZE = 0
"""Bytes of a wallet's own account."""


def needs(plan: SwapPlan, *, opening_rent: int, wallet_rent: int, priority_fee: int, tries: int) -> dict[str, int]:
    """What a swap takes of its wallet at worst, base units per mint; lamports under wrapped SOL's mint.

    Args:
        plan: the swap.
        opening_rent: rent exemption of all the accounts that it opens for the wallet to keep, lamports.
        wallet_rent: what the wallet itself has to keep to stay rent exempt, lamports.
        priority_fee: most that one try pays on top of the base fee, lamports.
        tries: how many tries may still be paid for.
    """
    lamports = wallet_rent + opening_rent + tries * (SIGNATURE_LAMPORTS + priority_fee)
    if plan.wrapped_sol is not None:
        lamports += plan.token_account_rent
    if plan.mint_in == WRAPPED_SOL_MINT:
        return {str(WRAPPED_SOL_MINT): lamports + plan.amount_in}
    return {str(WRAPPED_SOL_MINT): lamports, str(plan.mint_in): plan.amount_in}


def own_accounts(plan: SwapPlan) -> frozenset[Pubkey]:
    """The owner's accounts that the legs pay from and into."""
    return frozenset(token_account(plan, mint) for mint in plan.token_programs)


def contended_accounts(plan: SwapPlan) -> tuple[Pubkey, ...]:
    """The accounts of others that the swap writes: those for which a priority fee has to be bid."""
    own = {plan.owner, *own_accounts(plan)}
    written = (
        meta.pubkey
        for terms in plan.terms
        for meta in leg_instruction(plan, terms).accounts
        if meta.is_writable and meta.pubkey not in own
    )
    return tuple(dict.fromkeys(written))
