"""The instructions of a swap, and what it needs of its wallet."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.execution.building import needs, priority_fee

USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
BONK = Pubkey.from_string("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263")
SOL = str(WRAPPED_SOL_MINT)
RENT = 2_039_280
WALLET_RENT = 890_880


@pytest.mark.parametrize(
    ("mint_in", "mint_out", "opens", "expected"),
    [
        (WRAPPED_SOL_MINT, USDC, True, {SOL: 700 + 2 * RENT + WALLET_RENT + 3 * 5_040}),
        (WRAPPED_SOL_MINT, USDC, False, {SOL: 700 + RENT + WALLET_RENT + 3 * 5_040}),
        (USDC, WRAPPED_SOL_MINT, False, {SOL: RENT + WALLET_RENT + 3 * 5_040, str(USDC): 700}),
        (USDC, BONK, True, {SOL: RENT + WALLET_RENT + 3 * 5_040, str(USDC): 700}),
        (USDC, BONK, False, {SOL: WALLET_RENT + 3 * 5_040, str(USDC): 700}),
    ],
)
def test_needs_are_amount_rents_and_the_fees_of_every_try(
    mint_in: Pubkey, mint_out: Pubkey, opens: bool, expected: dict[str, int]
) -> None:
    wanted = needs(
        mint_in=mint_in,
        mint_out=mint_out,
        amount_in=700,
        opens_destination=opens,
        token_account_rent=RENT,
        wallet_rent=WALLET_RENT,
        priority_fee=40,
        tries=3,
    )
    assert wanted == expected


def test_a_priority_fee_is_rounded_up() -> None:
    assert priority_fee(100_000, 1_000) == 100
    assert priority_fee(100_001, 1_000) == 101
    assert priority_fee(100_000, 0) == 0
