"""The instructions run on a real SVM with the real token programs."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction_metadata import TransactionMetadata
from spl.token.instructions import close_account, create_idempotent_associated_token_account, initialize_account3
from spl.token.models import CloseAccountParams, InitializeAccount3Params

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    decode_mint,
    decode_token_account,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from tests.chain.svm import SOL, Svm, mint_bytes


@pytest.fixture
def svm() -> Svm:
    return Svm()


def test_wrapped_sol_opens_with_its_tokens_and_closes_back_to_sol(svm: Svm) -> None:
    attempt = uuid4()
    address = wrapped_sol_address(svm.owner, attempt)
    opened = svm.run(*open_wrapped_sol(svm.owner, attempt, 3 * SOL, svm.rent))
    assert isinstance(opened, TransactionMetadata)
    account = svm.read(address)
    assert account is not None
    assert account.lamports == 3 * SOL + svm.rent
    token = decode_token_account(account)
    assert (token.mint, token.owner, token.amount, token.frozen) == (WRAPPED_SOL_MINT, svm.owner, 3 * SOL, False)

    before = svm.lamports()
    closed = svm.run(close_wrapped_sol(svm.owner, attempt))
    assert isinstance(closed, TransactionMetadata)
    assert svm.read(address) is None
    assert svm.lamports() - before == 3 * SOL + svm.rent - 5000


def test_an_attempts_account_leaves_the_owners_own_wrapped_sol_alone(svm: Svm) -> None:
    own = ata(svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)
    assert isinstance(
        svm.run(create_ata_idempotent(svm.owner, svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)), TransactionMetadata
    )
    before = svm.read(own)
    attempt = uuid4()
    ran = svm.run(*open_wrapped_sol(svm.owner, attempt, SOL, svm.rent), close_wrapped_sol(svm.owner, attempt))
    assert isinstance(ran, TransactionMetadata)
    assert before is not None
    assert svm.read(own) == before


def test_every_attempt_has_its_own_account() -> None:
    owner = Keypair().pubkey()
    assert wrapped_sol_address(owner, uuid4()) != wrapped_sol_address(owner, uuid4())
    fixed = UUID("00000000-0000-4000-8000-000000000001")
    assert wrapped_sol_address(owner, fixed) == Pubkey.create_with_seed(
        owner, "00000000000040008000000000000001", TOKEN_PROGRAM
    )


def test_what_is_written_here_is_what_solana_py_writes() -> None:
    owner, payer, mint, attempt = Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique(), uuid4()
    address = wrapped_sol_address(owner, attempt)
    assert create_ata_idempotent(payer, owner, mint, TOKEN_2022_PROGRAM) == create_idempotent_associated_token_account(
        payer, owner, mint, TOKEN_2022_PROGRAM
    )
    assert open_wrapped_sol(owner, attempt, SOL, 0)[1] == initialize_account3(
        InitializeAccount3Params(program_id=TOKEN_PROGRAM, account=address, mint=WRAPPED_SOL_MINT, owner=owner)
    )
    assert close_wrapped_sol(owner, attempt) == close_account(
        CloseAccountParams(program_id=TOKEN_PROGRAM, account=address, dest=owner, owner=owner)
    )


def test_creating_an_associated_account_twice_is_no_error(svm: Svm) -> None:
    create = create_ata_idempotent(svm.owner, svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM)
    assert isinstance(svm.run(create), TransactionMetadata)
    svm.svm.expire_blockhash()
    assert isinstance(svm.run(create), TransactionMetadata)
    account = svm.read(ata(svm.owner, WRAPPED_SOL_MINT, TOKEN_PROGRAM))
    assert account is not None
    assert decode_token_account(account).amount == 0


def test_the_native_mint_decodes(svm: Svm) -> None:
    account = svm.read(WRAPPED_SOL_MINT)
    assert account is not None
    mint = decode_mint(account)
    assert (mint.decimals, mint.token_program, mint.mint_authority, mint.freeze_authority) == (
        9,
        TOKEN_PROGRAM,
        None,
        None,
    )
    assert mint.extensions == {}


def test_token_2022_extensions_and_authorities_are_read() -> None:
    freeze = Keypair().pubkey()
    tail = (1).to_bytes(2, "little") + (3).to_bytes(2, "little") + b"abc" + (9).to_bytes(2, "little") + bytes(2)
    mint = decode_mint(Account(TOKEN_2022_PROGRAM, 1, mint_bytes(freeze=freeze, tail=tail + bytes(4))))
    assert mint.extensions == {1: b"abc", 9: b""}
    assert mint.freeze_authority == freeze
    assert (mint.decimals, mint.supply) == (6, 7)


@pytest.mark.parametrize(
    "account",
    [
        Account(Pubkey.new_unique(), 1, mint_bytes()),
        Account(TOKEN_PROGRAM, 1, b""),
        Account(TOKEN_PROGRAM, 1, mint_bytes() + b"\0"),
        Account(TOKEN_PROGRAM, 1, bytes(82)),
        Account(TOKEN_2022_PROGRAM, 1, mint_bytes(tail=b"\x01\x00\xff\x00a")),
        Account(TOKEN_2022_PROGRAM, 1, bytes(355)),
    ],
    ids=["owner", "empty", "length", "uninitialized", "cut off", "multisig"],
)
def test_what_is_no_mint_is_refused(account: Account) -> None:
    with pytest.raises(DecodeError):
        decode_mint(account)


@pytest.mark.parametrize(
    "account",
    [
        Account(Pubkey.new_unique(), 1, bytes(108) + b"\x01" + bytes(56)),
        Account(TOKEN_PROGRAM, 1, bytes(165)),
        Account(TOKEN_PROGRAM, 1, bytes(108) + b"\x01" + bytes(57)),
        Account(TOKEN_2022_PROGRAM, 1, mint_bytes(tail=b"\x01\x00\x00\x00")),
        Account(TOKEN_2022_PROGRAM, 1, bytes(108) + b"\x01" + bytes(246)),
    ],
    ids=["owner", "uninitialized", "length", "a mint", "multisig"],
)
def test_what_is_no_token_account_is_refused(account: Account) -> None:
    with pytest.raises(DecodeError):
        decode_token_account(account)


def test_a_token_2022_account_may_have_extensions_and_be_frozen() -> None:
    body = bytes(64) + (5).to_bytes(8, "little") + bytes(36) + b"\x02" + bytes(56) + b"\x02" + bytes(4)
    token = decode_token_account(Account(TOKEN_2022_PROGRAM, 1, body))
    assert (token.amount, token.frozen, token.token_program) == (5, True, TOKEN_2022_PROGRAM)
