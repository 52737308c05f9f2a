"""Token transfers and their accounts on the real token programs."""

from __future__ import annotations

from uuid import uuid4

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction_metadata import FailedTransactionMetadata

from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    ata_size,
    decode_mint,
    decode_token_account,
    most_ata_size,
    token_account_at,
)
from engine_app.chain.token_instructions import create_ata_idempotent, transfer_checked, transfer_checked_with_fee
from engine_app.chain.transactions import attempt_memo
from engine_app.markets.venues.spl_token import transfer_fees
from tests.chain.svm import Svm
from tests.mints import (
    NON_TRANSFERABLE,
    Extension,
    issue,
    mint_size,
    new_mint,
    require_memos,
    transfer_fee,
    transfer_hook,
)

AMOUNT = 1_000_003
FEE = transfer_fee(basis_points=123, maximum=10**6)
WITHHELD = -(-AMOUNT * 123 // 10_000)


@pytest.fixture
def svm() -> Svm:
    return Svm()


def made_mint(svm: Svm, *extensions: Extension) -> Pubkey:
    """A mint of 6 decimals; the wallet holds `2 × AMOUNT`."""
    keypair = Keypair()
    mint = keypair.pubkey()
    rent = svm.rent_of(mint_size(extensions))
    svm.succeeds(*new_mint(svm.owner, mint, extensions, decimals=6, lamports=rent), also=keypair)
    svm.succeeds(
        create_ata_idempotent(svm.owner, svm.owner, mint, TOKEN_2022_PROGRAM),
        issue(svm.owner, svm.owner, mint, 2 * AMOUNT),
    )
    return mint


def held(svm: Svm, owner: Pubkey, mint: Pubkey) -> int:
    account = svm.read(ata(owner, mint, TOKEN_2022_PROGRAM))
    assert account is not None
    return decode_token_account(account).amount


@pytest.mark.parametrize(
    "extensions",
    [(), (FEE,), (transfer_hook(None),), (NON_TRANSFERABLE,), (FEE, transfer_hook(None), NON_TRANSFERABLE)],
    ids=["none", "fee", "hook", "non-transferable", "all"],
)
def test_an_associated_account_has_the_size_that_its_mint_asks_for(svm: Svm, extensions: tuple[Extension, ...]) -> None:
    mint = made_mint(svm, *extensions)
    description, account = svm.read(mint), svm.read(ata(svm.owner, mint, TOKEN_2022_PROGRAM))
    assert description is not None
    assert account is not None
    assert len(account.data) == ata_size(decode_mint(description)) <= most_ata_size(TOKEN_2022_PROGRAM)


def test_an_spl_token_account_has_165_bytes(svm: Svm) -> None:
    native = svm.read(WRAPPED_SOL_MINT)
    assert native is not None
    assert ata_size(decode_mint(native)) == most_ata_size(TOKEN_PROGRAM) == TOKEN_ACCOUNT_SIZE


def test_a_transfer_moves_all_of_it_and_checks_the_decimals(svm: Svm) -> None:
    mint, receiver = made_mint(svm), Keypair().pubkey()
    source, account = (ata(owner, mint, TOKEN_2022_PROGRAM) for owner in (svm.owner, receiver))
    create = create_ata_idempotent(svm.owner, receiver, mint, TOKEN_2022_PROGRAM)
    wrong = transfer_checked(source, mint, account, svm.owner, AMOUNT, 5, TOKEN_2022_PROGRAM)
    assert isinstance(svm.run(create, wrong), FailedTransactionMetadata)
    svm.succeeds(create, transfer_checked(source, mint, account, svm.owner, AMOUNT, 6, TOKEN_2022_PROGRAM))
    assert held(svm, receiver, mint) == AMOUNT


def test_a_transfer_with_a_fee_moves_the_rest_of_it_or_nothing(svm: Svm) -> None:
    mint, receiver = made_mint(svm, FEE), Keypair().pubkey()
    source, account = (ata(owner, mint, TOKEN_2022_PROGRAM) for owner in (svm.owner, receiver))
    description = svm.read(mint)
    assert description is not None
    assert decode_mint(description).withholds_fees
    assert transfer_fees({mint: description}, mint, TOKEN_2022_PROGRAM).on(AMOUNT, 0) == WITHHELD
    create = create_ata_idempotent(svm.owner, receiver, mint, TOKEN_2022_PROGRAM)
    for other in (WITHHELD - 1, WITHHELD + 1):
        step = transfer_checked_with_fee(source, mint, account, svm.owner, AMOUNT, 6, other)
        assert isinstance(svm.run(create, step), FailedTransactionMetadata)
    svm.succeeds(create, transfer_checked_with_fee(source, mint, account, svm.owner, AMOUNT, 6, WITHHELD))
    assert held(svm, receiver, mint) == AMOUNT - WITHHELD
    assert held(svm, svm.owner, mint) == AMOUNT


def test_an_account_that_requires_memos_takes_a_transfer_right_behind_one(svm: Svm) -> None:
    mint = made_mint(svm)
    receiver = Svm()
    receiver.svm = svm.svm
    svm.svm.airdrop(receiver.owner, 10**9)
    svm.succeeds(create_ata_idempotent(svm.owner, receiver.owner, mint, TOKEN_2022_PROGRAM))
    address = ata(receiver.owner, mint, TOKEN_2022_PROGRAM)
    before = svm.read(address)
    assert before is not None
    assert not decode_token_account(before).requires_memo
    receiver.succeeds(*require_memos(receiver.owner, mint))
    after = svm.read(address)
    assert after is not None
    assert decode_token_account(after).requires_memo
    step = transfer_checked(
        ata(svm.owner, mint, TOKEN_2022_PROGRAM), mint, address, svm.owner, AMOUNT, 6, TOKEN_2022_PROGRAM
    )
    assert isinstance(svm.run(step), FailedTransactionMetadata)
    svm.succeeds(attempt_memo(uuid4()), step)
    assert held(svm, receiver.owner, mint) == AMOUNT


def test_lamports_alone_make_no_token_account(svm: Svm) -> None:
    address = ata(svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)
    svm.svm.airdrop(address, 10**9)
    account = svm.read(address)
    assert account is not None
    assert token_account_at({address: account}, address) is None
    svm.succeeds(create_ata_idempotent(svm.owner, svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM))
    account = svm.read(address)
    assert account is not None
    assert token_account_at({address: account}, address) is not None
