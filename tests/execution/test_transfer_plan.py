"""What a withdrawal does, needs and leaves, and what it refuses; from accounts as they could stand on chain."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from engine_app.chain.accounts import Account
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_ACCOUNT_SIZE, TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.chain.transactions import SIGNATURE_LAMPORTS
from engine_app.execution.transfer_plan import (
    Transfer,
    TransferPlan,
    TransferRefused,
    accounts_to_read,
    emptying_fee,
    plan_transfer,
    transfer_instructions,
    transfer_needs,
)
from engine_app.execution.tries import Planned
from engine_app.markets.venues.clock import CLOCK_SYSVAR
from tests.chain.svm import mint_bytes

OWNER, RECEIVER, MINT = (Pubkey.new_unique() for _ in range(3))
WALLET_RENT = 890_880
OPENING_RENT = 2_039_280
SOL = str(WRAPPED_SOL_MINT)
OF_SOL = Transfer(owner=OWNER, destination=RECEIVER, mint=WRAPPED_SOL_MINT, amount=10**9, decimals=9)
OF_TOKENS = Transfer(owner=OWNER, destination=RECEIVER, mint=MINT, amount=10**6, decimals=6)
LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
EPOCH = 900


def wallet(lamports: int, data: bytes = b"") -> Account:
    return Account(SYSTEM_PROGRAM, lamports, data)


def token_account(owner: Pubkey, amount: int, *, state: int = 1, program: Pubkey = TOKEN_PROGRAM) -> Account:
    data = bytes(MINT) + bytes(owner) + amount.to_bytes(8, "little") + bytes(36) + bytes([state]) + bytes(56)
    return Account(program, OPENING_RENT, data)


def clock() -> Account:
    data = bytes(16) + EPOCH.to_bytes(8, "little") + bytes(16)
    return Account(Pubkey.from_string("Sysvar1111111111111111111111111111111111111"), 1, data)


def tail(*extensions: tuple[int, bytes]) -> bytes:
    return b"".join(kind.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value for kind, value in extensions)


def fee_config(*, since: int, basis_points: int, older: int = 0) -> tuple[int, bytes]:
    fees = [(0, older), (since, basis_points)]
    packed = [
        epoch.to_bytes(8, "little") + (10**9).to_bytes(8, "little") + points.to_bytes(2, "little")
        for epoch, points in fees
    ]
    return 1, bytes(72) + b"".join(packed)


def chain(program: Pubkey = TOKEN_PROGRAM, extensions: bytes = b"", **changed: Account | None) -> dict[Pubkey, Account]:
    """A chain on which the owner holds plenty; `changed` sets or removes what the names say."""
    names = {
        "owner": OWNER,
        "receiver": RECEIVER,
        "mint": MINT,
        "source": ata(OWNER, MINT, program),
        "account": ata(RECEIVER, MINT, program),
    }
    accounts: dict[str, Account | None] = {
        "owner": wallet(10**10),
        "receiver": wallet(10**9),
        "mint": Account(program, 1, mint_bytes(tail=extensions)),
        "source": token_account(OWNER, 10**9, program=program),
        "account": None,
    }
    found = {names[name]: account for name, account in (accounts | changed).items() if account is not None}
    return found | {CLOCK_SYSVAR: clock()}


def plan(wanted: Transfer, accounts: dict[Pubkey, Account]) -> TransferPlan:
    read = {key: account for key, account in accounts.items() if key in accounts_to_read(wanted)}
    return plan_transfer(wanted, read, wallet_rent=WALLET_RENT)


def refused(wanted: Transfer, accounts: dict[Pubkey, Account]) -> tuple[str, str]:
    with pytest.raises(TransferRefused) as told:
        plan(wanted, accounts)
    return told.value.code, told.value.told


def test_sol_goes_to_an_old_and_to_a_new_address() -> None:
    for receiver in (wallet(10**9), None):
        made = plan(OF_SOL, chain(receiver=receiver))
        assert (made.arrives, made.opens, made.held, made.lamports) == (10**9, None, 10**10, 10**10)
        assert made.receiving_account == RECEIVER
        assert len(transfer_instructions(made, uuid4())) == 1


def test_a_new_address_has_to_get_its_rent() -> None:
    small = replace(OF_SOL, amount=WALLET_RENT - 1)
    assert refused(small, chain(receiver=None)) == (
        "DESTINATION_BELOW_RENT",
        "the destination is new: it has to receive 0.00089088 SOL or more",
    )
    assert plan(small, chain(receiver=wallet(WALLET_RENT))).arrives == WALLET_RENT - 1
    assert plan(replace(small, amount=WALLET_RENT), chain(receiver=None)).arrives == WALLET_RENT


@pytest.mark.parametrize("program", [TOKEN_PROGRAM, TOKEN_2022_PROGRAM])
def test_a_token_goes_to_an_account_that_exists_or_is_made(program: Pubkey) -> None:
    opened = plan(OF_TOKENS, chain(program))
    assert opened.opens == (TOKEN_ACCOUNT_SIZE if program == TOKEN_PROGRAM else TOKEN_ACCOUNT_SIZE + 5)
    assert [step.program_id for step in transfer_instructions(opened, uuid4())][-1] == program
    assert len(transfer_instructions(opened, uuid4())) == 2
    made = plan(OF_TOKENS, chain(program, account=token_account(RECEIVER, 0, program=program)))
    assert (made.opens, made.token_program, made.withheld, made.arrives) == (None, program, None, 10**6)
    assert len(transfer_instructions(made, uuid4())) == 1


def test_lamports_at_the_accounts_address_are_no_account() -> None:
    assert plan(OF_TOKENS, chain(account=wallet(OPENING_RENT))).opens == TOKEN_ACCOUNT_SIZE


def test_a_fee_is_that_of_the_epoch_and_what_arrives_is_told() -> None:
    for since, withheld in ((EPOCH, 20_000), (EPOCH + 1, 10_000)):
        extensions = tail(fee_config(since=since, basis_points=200, older=100))
        made = plan(OF_TOKENS, chain(TOKEN_2022_PROGRAM, extensions))
        assert (made.withheld, made.arrives) == (withheld, 10**6 - withheld)
    free = plan(OF_TOKENS, chain(TOKEN_2022_PROGRAM, tail(fee_config(since=0, basis_points=0))))
    assert free.withheld == 0
    assert transfer_instructions(free, uuid4())[-1].data[:2] == b"\x1a\x01"


@pytest.mark.parametrize(
    ("extension", "told"),
    [
        ((9, b""), "non-transferable"),
        ((14, bytes(32) + bytes(OWNER)), "transfer hook"),
        ((6, b"\x02"), "default account state"),
        ((26, bytes(33)), "pausable"),
        ((4, bytes(65)), "confidential transfer"),
        ((99, b""), "extension 99"),
        (fee_config(since=0, basis_points=10_000), "would take all of the amount"),
    ],
)
def test_a_mint_that_cannot_be_priced_is_refused(extension: tuple[int, bytes], told: str) -> None:
    code, message = refused(OF_TOKENS, chain(TOKEN_2022_PROGRAM, tail(extension)))
    assert code == "TOKEN_NOT_TRANSFERABLE"
    assert told in message


def test_a_hook_that_names_no_program_is_none() -> None:
    assert plan(OF_TOKENS, chain(TOKEN_2022_PROGRAM, tail((14, bytes(64))))).arrives == 10**6


def test_a_mint_that_is_none_or_has_other_decimals_is_refused() -> None:
    for accounts in (
        chain(mint=None),
        chain(mint=wallet(1)),
        chain(mint=Account(TOKEN_PROGRAM, 1, mint_bytes(decimals=5))),
    ):
        assert refused(OF_TOKENS, accounts)[0] == "TOKEN_NOT_TRANSFERABLE"


@pytest.mark.parametrize("wanted", [OF_SOL, OF_TOKENS])
@pytest.mark.parametrize(
    ("receiver", "told"),
    [
        (token_account(OWNER, 0), f"give the wallet that owns it, {OWNER}"),
        (Account(TOKEN_PROGRAM, 1, mint_bytes()), "a mint"),
        (
            Account(Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111"), 1, bytes(36)),
            "of the program BPF",
        ),
        (wallet(10**9, bytes(80)), "data of its own"),
    ],
    ids=["token account", "mint", "program", "nonce"],
)
def test_a_destination_that_is_no_wallet_is_refused(wanted: Transfer, receiver: Account, told: str) -> None:
    code, message = refused(wanted, chain(receiver=receiver))
    assert code == "DESTINATION_REFUSED"
    assert told in message


def test_accounts_that_are_frozen_or_given_away_are_refused() -> None:
    assert refused(OF_TOKENS, chain(source=token_account(OWNER, 10**9, state=2)))[0] == "TOKEN_NOT_TRANSFERABLE"
    assert refused(OF_TOKENS, chain(account=token_account(RECEIVER, 0, state=2)))[0] == "DESTINATION_REFUSED"
    assert refused(OF_TOKENS, chain(account=token_account(OWNER, 0)))[0] == "DESTINATION_REFUSED"


def test_needs_are_amount_rents_and_the_fees_of_every_try() -> None:
    left = WALLET_RENT + 3 * 5_040
    of_sol = transfer_needs(plan(OF_SOL, chain()), opening_rent=0, wallet_rent=WALLET_RENT, priority_fee=40, tries=3)
    assert of_sol == {SOL: left + 10**9}
    opening = plan(OF_TOKENS, chain())
    of_tokens = transfer_needs(opening, opening_rent=OPENING_RENT, wallet_rent=WALLET_RENT, priority_fee=40, tries=3)
    assert of_tokens == {SOL: left + OPENING_RENT, str(MINT): 10**6}


@given(left=st.integers(min_value=-(10**6), max_value=10**7))
def test_sol_leaves_nothing_or_the_rent(left: int) -> None:
    made = plan(OF_SOL, chain(owner=wallet(OF_SOL.amount + SIGNATURE_LAMPORTS + left)))
    if left >= WALLET_RENT:
        assert emptying_fee(made, wallet_rent=WALLET_RENT, most=5_000) is None
    elif 0 <= left <= 5_000:
        assert emptying_fee(made, wallet_rent=WALLET_RENT, most=5_000) == left
    else:
        with pytest.raises(TransferRefused) as told:
            emptying_fee(made, wallet_rent=WALLET_RENT, most=5_000)
        assert told.value.code == ("INSUFFICIENT_FUNDS" if left < 0 else "LEAVES_DUST")


def test_tokens_may_leave_any_sol() -> None:
    assert emptying_fee(plan(OF_TOKENS, chain(owner=wallet(5_000))), wallet_rent=WALLET_RENT, most=0) is None


@given(fee=st.integers(min_value=0, max_value=5_000), limit=st.integers(min_value=1, max_value=1_000_000))
def test_an_exact_fee_is_paid_to_the_lamport(fee: int, limit: int) -> None:
    planned = Planned((), None, 0, 0, None, 0, bid=1_000, most_units=200_000, exact_fee=fee)  # type: ignore[arg-type]
    assert -(-limit * planned.price(limit, 10**6) // 1_000_000) == fee
