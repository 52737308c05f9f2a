"""Messages as execution builds them, swaps over measured pools and transfers, and what each of them may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
)
from engine_app.chain.transactions import compose
from engine_app.execution.transfer_plan import Transfer, TransferPlan, transfer_instructions
from engine_app.markets.routing import Leg, Terms
from engine_app.markets.routing.plan import SwapPlan, swap_instructions, token_programs
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import Pool, SwapQuote
from engine_app.wallets.derivation import keypair_at, seed_of
from engine_app.wallets.policy import SwapAllowance, SwapLeg, TransferAllowance
from tests.markets.venues.vectors import load

PHRASE = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact"
INDEX = 3
OWNER = keypair_at(seed_of(PHRASE), INDEX).pubkey()
ATTEMPT = UUID("0123456789abcdef0123456789abcdef")
AMOUNT_IN = 1_500_000_000
MIN_OUT = 220_000_000
RENT = 2_039_280
LIMIT = 90_000
PRICE = 1_000
BLOCKHASH = Hash.hash(b"a block")


def stranger(name: str) -> Pubkey:
    """An address that has nothing to do with the owner."""
    return Pubkey(bytes(Hash.hash(name.encode())))


MINT = stranger("mint")
RECEIVER = stranger("receiver")
DECIMALS = 6
WITHHELD = 45_000


@dataclass(frozen=True)
class RealSwap:
    """A swap as execution builds it, and its allowance."""

    instructions: tuple[Instruction, ...]
    allowed: SwapAllowance

    def message(self, instructions: Sequence[Instruction] | None = None) -> MessageV0:
        """The message of these instructions, or of the swap's own."""
        steps = self.instructions if instructions is None else instructions
        return compose(OWNER, steps, blockhash=BLOCKHASH, compute_unit_limit=LIMIT, compute_unit_price=PRICE)


@dataclass(frozen=True)
class RealTransfer:
    """A transfer as execution builds it, and its allowance."""

    plan: TransferPlan
    instructions: tuple[Instruction, ...]
    allowed: TransferAllowance

    def message(self, instructions: Sequence[Instruction] | None = None) -> MessageV0:
        """The message of these instructions, or of the transfer's own."""
        steps = self.instructions if instructions is None else instructions
        return compose(OWNER, steps, blockhash=BLOCKHASH, compute_unit_limit=LIMIT, compute_unit_price=PRICE)


TRANSFERS = ("sol", "token", "opening", "withholding", "with memo")


@cache
def real_transfer(kind: str) -> RealTransfer:
    """A transfer of `sol`; of a token to a wallet that has an account for it, to one that has none, of one whose mint
    keeps a fee and to one that asks for a memo."""
    mint = WRAPPED_SOL_MINT if kind == "sol" else MINT
    program = TOKEN_2022_PROGRAM if kind in ("withholding", "with memo") else TOKEN_PROGRAM
    withheld = WITHHELD if kind == "withholding" else None
    plan = TransferPlan(
        Transfer(owner=OWNER, destination=RECEIVER, mint=mint, amount=AMOUNT_IN, decimals=DECIMALS),
        program,
        withheld=withheld,
        opens=TOKEN_ACCOUNT_SIZE if kind == "opening" else None,
        with_memo=kind == "with memo",
        held=2 * AMOUNT_IN,
        lamports=2 * AMOUNT_IN,
    )
    allowed = TransferAllowance(
        owner=OWNER,
        derivation_index=INDEX,
        attempt_id=ATTEMPT,
        destination=RECEIVER,
        mint=mint,
        token_program=program,
        decimals=DECIMALS,
        amount=AMOUNT_IN,
        withheld=withheld,
        max_priority_fee=LIMIT * PRICE // 1_000_000,
    )
    return RealTransfer(plan, tuple(transfer_instructions(plan, ATTEMPT)), allowed)


@cache
def real_swap(venue_name: str, direction: str) -> RealSwap:
    """A swap of `sell` (SOL for a token), `buy` (a token for SOL) or `tokens` (a token for a token)."""
    pool = pool_of(venue_name, with_sol=direction != "tokens")
    mint_in, mint_out = pool.mints
    if (mint_in == WRAPPED_SOL_MINT) == (direction == "buy"):
        mint_in, mint_out = mint_out, mint_in
    return swap_along((Terms(leg_of(pool, mint_in), AMOUNT_IN, MIN_OUT),))


def leg_of(pool: Pool, mint_in: Pubkey, *, exact_out: bool = False) -> Leg:
    """One leg in a pool; what it is quoted at plays no part."""
    [mint_out] = [mint for mint in pool.mints if mint != mint_in]
    return Leg(pool, mint_in, mint_out, SwapQuote(AMOUNT_IN, MIN_OUT, (), (1, 1)), exact_out=exact_out)


def swap_along(terms: tuple[Terms, ...]) -> RealSwap:
    """A swap whose legs ask for these; the owner has no account but for what he pays."""
    first, last = terms[0].leg.mint_in, terms[-1].leg.mint_out
    programs = token_programs(terms)
    amount_in = sum(of.amount_in for of in terms if of.leg.mint_in == first)
    plan = SwapPlan(
        owner=OWNER,
        attempt_id=ATTEMPT,
        terms=terms,
        amount_in=amount_in,
        token_account_rent=RENT,
        opens=tuple(mint for mint in programs if mint not in (first, WRAPPED_SOL_MINT)),
    )
    allowed = SwapAllowance(
        owner=OWNER,
        derivation_index=INDEX,
        attempt_id=ATTEMPT,
        mint_in=first,
        mint_out=last,
        amount_in=amount_in,
        min_out=plan.min_out,
        legs=tuple(
            SwapLeg(of.leg.mint_in, of.leg.mint_out, of.amount_in, of.amount_out, of.leg.exact_out) for of in terms
        ),
        token_programs=programs,
        max_rent=RENT,
        max_priority_fee=LIMIT * PRICE // 1_000_000,
        venues=venues_for(CLUSTERS["mainnet-beta"]),
    )
    return RealSwap(tuple(swap_instructions(plan)), allowed)


def pool_of(venue_name: str, *, with_sol: bool) -> Pool:
    """A measured pool of SOL, or of two tokens."""
    vectors = load(venue_name)
    for state in vectors.states:
        pool = vectors.venue.decode(state.cases[0].pool, state.accounts)
        if (WRAPPED_SOL_MINT in pool.mints) == with_sol:
            return pool
    raise LookupError(f"no measured pool of {venue_name} with_sol={with_sol}")
