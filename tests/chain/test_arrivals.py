"""What counts as brought to a wallet, from hand-built balances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.arrivals import Arrival, arrivals
from engine_app.chain.landed import LandedTransaction, TokenBalance
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata

OWNER, SENDER, MINT = (Pubkey.new_unique() for _ in range(3))
OWN = ata(OWNER, MINT, TOKEN_PROGRAM)

NOTHING = LandedTransaction(
    signature=Signature.default(),
    slot=7,
    block_time=None,
    error=None,
    fee=5_000,
    compute_units=0,
    account_keys=(SENDER, OWNER),
    pre_balances={SENDER: 10**9, OWNER: 5},
    post_balances={SENDER: 10**9 - 5_000, OWNER: 5},
    pre_tokens={},
    post_tokens={},
    inner_instructions=(),
    logs=(),
    signers=(SENDER,),
)


def holding(account: Pubkey, mint: Pubkey, amount: int, owner: Pubkey = OWNER) -> dict[Pubkey, TokenBalance]:
    return {account: TokenBalance(account, mint, owner, amount)}


def test_lamports_and_tokens_that_came() -> None:
    tx = replace(
        NOTHING,
        post_balances={SENDER: 0, OWNER: 75},
        pre_tokens=holding(OWN, MINT, 4),
        post_tokens=holding(OWN, MINT, 10),
    )
    assert arrivals(tx, OWNER) == (Arrival(WRAPPED_SOL_MINT, 70), Arrival(MINT, 6))


@pytest.mark.parametrize("program", [TOKEN_PROGRAM, TOKEN_2022_PROGRAM])
def test_an_account_that_was_made_for_it(program: Pubkey) -> None:
    account = ata(OWNER, MINT, program)
    assert arrivals(replace(NOTHING, post_tokens=holding(account, MINT, 9)), OWNER) == (Arrival(MINT, 9),)


def test_what_a_wallet_signed_itself_is_no_arrival() -> None:
    tx = replace(NOTHING, signers=(OWNER,), post_tokens=holding(OWN, MINT, 9))
    assert arrivals(tx, OWNER) == ()


def test_what_failed_brought_nothing() -> None:
    tx = replace(NOTHING, error={"InstructionError": [0, {"Custom": 1}]}, post_tokens=holding(OWN, MINT, 9))
    assert arrivals(tx, OWNER) == ()


def test_what_left_or_went_elsewhere_is_no_arrival() -> None:
    elsewhere, other = Pubkey.new_unique(), Pubkey.new_unique()
    tx = replace(
        NOTHING,
        post_balances={SENDER: 0, OWNER: 1},
        pre_tokens=holding(OWN, MINT, 9),
        post_tokens=holding(OWN, MINT, 2)
        | holding(elsewhere, MINT, 50)
        | holding(ata(other, MINT, TOKEN_PROGRAM), MINT, 50, owner=other)
        | holding(ata(OWNER, WRAPPED_SOL_MINT, TOKEN_PROGRAM), WRAPPED_SOL_MINT, 50),
    )
    assert arrivals(tx, OWNER) == ()
