"""The instructions of a swap, and what it needs of its wallet."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.priority_fees import priority_fee
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT, wrapped_sol_address
from engine_app.execution.building import contended_accounts, needs
from engine_app.markets.routing import Terms
from engine_app.markets.routing.plan import SwapPlan, leg_instruction
from tests.wallets.messages import ATTEMPT, OWNER, RENT, leg_of, pool_of

SOL = str(WRAPPED_SOL_MINT)
WALLET_RENT = 890_880
POOL = pool_of("raydium_cpmm", with_sol=True)
OTHER = pool_of("meteora_damm_v2", with_sol=True)
TOKENS = pool_of("raydium_cpmm", with_sol=False)
[TOKEN] = [mint for mint in POOL.mints if mint != WRAPPED_SOL_MINT]
TOKEN_IN, TOKEN_OUT = TOKENS.mints


def plan_of(*terms: Terms, opens: tuple[Pubkey, ...] = ()) -> SwapPlan:
    return SwapPlan(OWNER, ATTEMPT, terms, amount_in=700, token_account_rent=RENT, opens=opens)


SELL = Terms(leg_of(POOL, WRAPPED_SOL_MINT), 700, 5)
BUY = Terms(leg_of(POOL, TOKEN), 700, 5)
SWAP = Terms(leg_of(TOKENS, TOKEN_IN), 700, 5)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (plan_of(SELL, opens=(TOKEN,)), {SOL: 700 + 2 * RENT + WALLET_RENT + 3 * 5_040}),
        (plan_of(SELL), {SOL: 700 + RENT + WALLET_RENT + 3 * 5_040}),
        (plan_of(BUY), {SOL: RENT + WALLET_RENT + 3 * 5_040, str(TOKEN): 700}),
        (plan_of(SWAP, opens=(TOKEN_OUT,)), {SOL: RENT + WALLET_RENT + 3 * 5_040, str(TOKEN_IN): 700}),
        (plan_of(SWAP), {SOL: WALLET_RENT + 3 * 5_040, str(TOKEN_IN): 700}),
        (plan_of(SELL, SELL, opens=(TOKEN,)), {SOL: 700 + 2 * RENT + WALLET_RENT + 3 * 5_040}),
        (plan_of(BUY, SELL, opens=(TOKEN,)), {SOL: 2 * RENT + WALLET_RENT + 3 * 5_040, str(TOKEN): 700}),
        (plan_of(SWAP, BUY, opens=(TOKEN, TOKEN_OUT)), {SOL: 3 * RENT + WALLET_RENT + 3 * 5_040, str(TOKEN_IN): 700}),
    ],
    ids=["sell, opening", "sell", "buy", "tokens, opening", "tokens", "split", "over SOL", "two accounts to open"],
)
def test_needs_are_amount_rents_and_the_fees_of_every_try(plan: SwapPlan, expected: dict[str, int]) -> None:
    opening_rent = RENT * len(plan.opens)
    assert needs(plan, opening_rent=opening_rent, wallet_rent=WALLET_RENT, priority_fee=40, tries=3) == expected


def test_every_pool_of_a_route_is_contended_and_no_account_of_the_owner() -> None:
    other = Terms(leg_of(OTHER, WRAPPED_SOL_MINT), 700, 5)
    both = contended_accounts(plan_of(SELL, other))
    assert both == contended_accounts(plan_of(SELL)) + contended_accounts(plan_of(other))
    assert {POOL.address, OTHER.address} <= set(both)
    assert not {OWNER, wrapped_sol_address(OWNER, ATTEMPT)} & set(both)


def test_the_least_of_the_whole_is_what_the_last_legs_bring() -> None:
    assert plan_of(SELL, SELL).min_out == 10
    assert plan_of(Terms(leg_of(POOL, TOKEN), 700, 99), Terms(leg_of(OTHER, WRAPPED_SOL_MINT), 99, 5)).min_out == 5


def test_only_venues_that_can_buy_an_exact_amount() -> None:
    terms = Terms(leg_of(pool_of("meteora_damm_v1", with_sol=True), WRAPPED_SOL_MINT, exact_out=True), 700, 5)
    with pytest.raises(TypeError, match="meteora_damm_v1"):
        leg_instruction(plan_of(terms), terms)


def test_a_priority_fee_is_rounded_up() -> None:
    assert priority_fee(100_000, 1_000) == 100
    assert priority_fee(100_001, 1_000) == 101
    assert priority_fee(100_000, 0) == 0
