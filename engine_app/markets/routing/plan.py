"""The instructions that carry a route out for one wallet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT, ata, wrapped_sol_address
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from engine_app.markets.routing.route import Terms
from engine_app.markets.venues.venue import SwapAccounts, buys_exactly


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """One attempt's swap.

    Attributes:
        owner: the trading wallet; signs and pays.
        attempt_id: names the attempt's own wrapped-SOL account.
        terms: what each leg asks for, in the order of the legs; wrapped SOL's mint stands for SOL.
        amount_in: base units that the legs take of the order's mint in, at most.
        token_account_rent: rent exemption of a token account, lamports.
        opens: mints of the legs for which the owner has no account yet.
    """

    owner: Pubkey
    attempt_id: UUID
    terms: tuple[Terms, ...]
    amount_in: int
    token_account_rent: int
    opens: tuple[Pubkey, ...]

    @property
    def mint_in(self) -> Pubkey:
        """What the order pays."""
        return self.terms[0].leg.mint_in

    @property
    def mint_out(self) -> Pubkey:
        """What the order receives."""
        return self.terms[-1].leg.mint_out

    @property
    def min_out(self) -> int:
        """Base units of `mint_out` that the legs bring at least, all together."""
        return sum(terms.amount_out for terms in self.terms if terms.leg.mint_out == self.mint_out)

    @property
    def token_programs(self) -> dict[Pubkey, Pubkey]:
        """The token program of every mint of the legs."""
        return token_programs(self.terms)

    @property
    def wrapped_sol(self) -> Pubkey | None:
        """The attempt's own wrapped-SOL account, None where no leg pays or receives SOL."""
        if WRAPPED_SOL_MINT in self.token_programs:
            return wrapped_sol_address(self.owner, self.attempt_id)
        return None


def token_programs(terms: tuple[Terms, ...]) -> dict[Pubkey, Pubkey]:
    """The token program of every mint of the legs, in the order in which they come up."""
    return {mint: of.leg.pool.token_program(mint) for of in terms for mint in (of.leg.mint_in, of.leg.mint_out)}


def token_account(plan: SwapPlan, mint: Pubkey) -> Pubkey:
    """The account that pays or receives `mint`: the attempt's own for SOL, else the owner's associated one."""
    if mint == WRAPPED_SOL_MINT:
        return wrapped_sol_address(plan.owner, plan.attempt_id)
    return ata(plan.owner, mint, plan.token_programs[mint])


def leg_instruction(plan: SwapPlan, terms: Terms) -> Instruction:
    """The venue's own instruction for one leg."""
    leg = terms.leg
    user = SwapAccounts(
        owner=plan.owner, source=token_account(plan, leg.mint_in), destination=token_account(plan, leg.mint_out)
    )
    if not leg.exact_out:
        return leg.pool.swap_instruction(user, leg.mint_in, terms.amount_in, terms.amount_out)
    if not buys_exactly(leg.pool):
        raise TypeError(f"{leg.pool.venue} does not swap for an exact amount out")
    return leg.pool.swap_exact_out_instruction(user, leg.mint_in, terms.amount_in, terms.amount_out)


def swap_instructions(plan: SwapPlan) -> list[Instruction]:
    """Open what the swap needs, carry out its legs, and close what it opened for itself."""
    steps: list[Instruction] = []
    if plan.wrapped_sol is not None:
        wrapped = plan.amount_in if plan.mint_in == WRAPPED_SOL_MINT else 0
        steps += open_wrapped_sol(plan.owner, plan.attempt_id, wrapped, plan.token_account_rent)
    programs = plan.token_programs
    steps += [create_ata_idempotent(plan.owner, plan.owner, mint, programs[mint]) for mint in plan.opens]
    steps += [leg_instruction(plan, terms) for terms in plan.terms]
    if plan.wrapped_sol is not None:
        steps.append(close_wrapped_sol(plan.owner, plan.attempt_id))
    return steps
