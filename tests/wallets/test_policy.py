"""The signer signs a real swap and refuses every message that does anything else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import ID as COMPUTE_BUDGET_PROGRAM
from solders.compute_budget import request_heap_frame, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer

from engine_app.chain.lookup_tables import without
from engine_app.chain.token_accounts import (
    ASSOCIATED_TOKEN_PROGRAM,
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from engine_app.chain.transactions import MEMO_PROGRAM, attempt_memo, compose
from engine_app.markets.venues.venue import ExactOutPool
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy import require_allowed
from engine_app.wallets.signer import Signer
from tests.wallets.essence import account_of, essence, is_allowed, user_accounts
from tests.wallets.messages import (
    AMOUNT_IN,
    ATTEMPT,
    BLOCKHASH,
    INDEX,
    LIMIT,
    MIN_OUT,
    OWNER,
    PHRASE,
    PRICE,
    RENT,
    pool_of,
    real_swap,
    stranger,
)
from tests.wallets.mutations import MASKS, changed_bytes, changed_fields

VENUES = (
    "raydium_amm_v4_v2", "raydium_clmm", "raydium_cpmm", "meteora_damm_v1", "meteora_damm_v2", "meteora_dlmm_v012",
)  # fmt: skip
"""Files of measured pools of every venue."""
DIRECTIONS = ("sell", "buy", "tokens")
SWAPS = [
    (venue, direction)
    for venue in VENUES
    for direction in DIRECTIONS
    if (venue, direction) != ("raydium_amm_v4_v2", "tokens")
]
"""Every venue and direction of which there is a measured pool: AMM v4's all hold SOL."""
WITH_ARRAYS = {"raydium_clmm": 14, "meteora_dlmm_v012": 17}
"""Accounts of the shortest swap of venues that take any number of arrays behind them."""
WRAPPED = wrapped_sol_address(OWNER, ATTEMPT)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(PHRASE)


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
def test_a_real_swap_is_signed(signer: Signer, venue: str, direction: str) -> None:
    swap = real_swap(venue, direction)
    signed = signer.sign(swap.message(), swap.allowed)
    assert signed.verify_with_results() == [True]
    assert signed.message == swap.message()
    assert signed.message.account_keys[0] == OWNER


@pytest.mark.parametrize("venue", [venue for venue in VENUES if venue != "meteora_damm_v1"])
def test_an_exact_amount_out_is_refused_where_the_order_sells_one(signer: Signer, venue: str) -> None:
    swap = real_swap(venue, "sell")
    pool = pool_of(venue, with_sol=True)
    assert isinstance(pool, ExactOutPool)
    [program] = [program for program in swap.allowed.venues if program.name == pool.venue]
    [at] = [at for at, step in enumerate(swap.instructions) if step.program_id == program.program_id]
    user = program.read_swap(swap.instructions[at]).user
    bought = pool.swap_exact_out_instruction(user, swap.allowed.mint_in, AMOUNT_IN, MIN_OUT)
    with pytest.raises(SignatureRefused, match="exact amount"):
        signer.sign(swap.message([*swap.instructions[:at], bought, *swap.instructions[at + 1 :]]), swap.allowed)


def test_real_swaps_differ_in_what_they_open() -> None:
    assert [len(real_swap("raydium_cpmm", direction).instructions) for direction in DIRECTIONS] == [5, 4, 2]


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
@pytest.mark.parametrize(
    "changed",
    [
        {"owner": stranger("owner")},
        {"mint_in": stranger("mint")},
        {"mint_out": stranger("mint")},
        {"amount_in": AMOUNT_IN - 1},
        {"amount_in": AMOUNT_IN + 1},
        {"min_out": MIN_OUT - 1},
        {"min_out": MIN_OUT + 1},
        {"legs": ()},
        {"max_priority_fee": LIMIT * PRICE // 1_000_000 - 1},
        {"venues": ()},
        {"derivation_index": INDEX + 1},
    ],
    ids="-".join,
)
def test_another_allowance_is_refused(signer: Signer, venue: str, direction: str, changed: dict[str, Any]) -> None:
    swap = real_swap(venue, direction)
    with pytest.raises(SignatureRefused):
        signer.sign(swap.message(), replace(swap.allowed, **changed))


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("direction", ["sell", "buy"])
@pytest.mark.parametrize(
    "changed", [{"attempt_id": UUID(int=ATTEMPT.int + 1)}, {"max_rent": RENT - 1}], ids=["attempt", "rent"]
)
def test_another_wrapped_account_or_rent_is_refused(
    signer: Signer, venue: str, direction: str, changed: dict[str, Any]
) -> None:
    swap = real_swap(venue, direction)
    with pytest.raises(SignatureRefused):
        signer.sign(swap.message(), replace(swap.allowed, **changed))


@pytest.mark.parametrize("side", ["mint_in", "mint_out"])
def test_another_token_program_is_refused(signer: Signer, side: str) -> None:
    swap = real_swap("raydium_cpmm", "tokens")
    mint = getattr(swap.allowed, side)
    programs = dict(swap.allowed.token_programs)
    programs[mint] = TOKEN_PROGRAM if programs[mint] == TOKEN_2022_PROGRAM else TOKEN_2022_PROGRAM
    with pytest.raises(SignatureRefused):
        signer.sign(swap.message(), replace(swap.allowed, token_programs=programs))
    del programs[mint]
    with pytest.raises(SignatureRefused):
        signer.sign(swap.message(), replace(swap.allowed, token_programs=programs))


def token_instruction(tag: int, data: bytes, *accounts: Pubkey) -> Instruction:
    return Instruction(TOKEN_PROGRAM, bytes([tag]) + data, [AccountMeta(key, False, True) for key in accounts])


SWAP = real_swap("raydium_cpmm", "sell")
CREATE, INITIALIZE, MAKE_ATA, TRADE, CLOSE = SWAP.instructions
TOKENS = account_of(SWAP, SWAP.allowed.mint_out)
OWN = frozenset({WRAPPED, TOKENS})
"""The accounts that it pays from and into."""
THIEF = stranger("thief")
ONE = (1).to_bytes(8, "little")

FOREIGN = {
    "transfer of SOL": transfer(TransferParams(from_pubkey=OWNER, to_pubkey=THIEF, lamports=1)),
    "transfer of SOL above the amount": transfer(TransferParams(from_pubkey=OWNER, to_pubkey=WRAPPED, lamports=1)),
    "new account": create_account(
        CreateAccountParams(from_pubkey=OWNER, to_pubkey=OWNER, lamports=1, space=0, owner=THIEF)
    ),
    "assign": Instruction(Pubkey.default(), (1).to_bytes(4, "little") + bytes(THIEF), [AccountMeta(OWNER, True, True)]),
    "token transfer": token_instruction(3, ONE, TOKENS, THIEF, OWNER),
    "token transfer_checked": token_instruction(12, ONE + b"\x06", TOKENS, SWAP.allowed.mint_out, THIEF, OWNER),
    "token approve": token_instruction(4, ONE, TOKENS, THIEF, OWNER),
    "token set_authority": token_instruction(6, b"\x02\x01" + bytes(THIEF), TOKENS, OWNER),
    "token burn": token_instruction(8, ONE, TOKENS, SWAP.allowed.mint_out, OWNER),
    "close of the owner's tokens": token_instruction(9, b"", TOKENS, OWNER, OWNER),
    "close to a stranger": token_instruction(9, b"", WRAPPED, THIEF, OWNER),
    "sync of another account": token_instruction(17, b"", TOKENS),
    "another attempt's account": open_wrapped_sol(OWNER, UUID(int=1), 0, RENT)[0],
    "second wrapped account": CREATE,
    "second initialize": INITIALIZE,
    "second swap": TRADE,
    "second token account": MAKE_ATA,
    "stranger's token account": create_ata_idempotent(OWNER, THIEF, SWAP.allowed.mint_out, TOKEN_PROGRAM),
    "token account of another mint": create_ata_idempotent(OWNER, OWNER, stranger("mint"), TOKEN_PROGRAM),
    "the owner's wrapped-SOL account": create_ata_idempotent(OWNER, OWNER, WRAPPED_SOL_MINT, TOKEN_PROGRAM),
    "not idempotent token account": Instruction(MAKE_ATA.program_id, b"\x00", MAKE_ATA.accounts),
    "recover nested token account": Instruction(MAKE_ATA.program_id, b"\x02", MAKE_ATA.accounts),
    "heap frame": request_heap_frame(64 * 1024),
    "second price": set_compute_unit_price(0),
    "memo": Instruction(MEMO_PROGRAM, b"hello", []),
    "unknown program": Instruction(THIEF, b"", []),
    "another program with the swap's bytes": Instruction(THIEF, TRADE.data, TRADE.accounts),
}


@pytest.mark.parametrize("place", ["first", "in the middle", "last"])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_instruction_is_refused(signer: Signer, name: str, place: str) -> None:
    at = {"first": 0, "in the middle": 3, "last": 5}[place]
    steps = [*SWAP.instructions[:at], FOREIGN[name], *SWAP.instructions[at:]]
    with pytest.raises(SignatureRefused):
        signer.sign(SWAP.message(steps), SWAP.allowed)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [CREATE, INITIALIZE, MAKE_ATA, TRADE],
        [CREATE, INITIALIZE, MAKE_ATA, CLOSE],
        [MAKE_ATA, TRADE],
        [CREATE, MAKE_ATA, TRADE, CLOSE],
        [CREATE, INITIALIZE, CLOSE, TRADE],
        [INITIALIZE, CREATE, TRADE, CLOSE],
        [TRADE, CREATE, INITIALIZE, CLOSE],
    ],
    ids=["empty", "not closed", "no swap", "no wrap", "not initialized", "closed early", "order", "swap first"],
)
def test_a_swap_with_a_part_missing_or_out_of_place_is_refused(signer: Signer, steps: list[Instruction]) -> None:
    with pytest.raises(SignatureRefused):
        signer.sign(SWAP.message(steps), SWAP.allowed)


def test_the_wrapped_amount_may_come_by_transfer_and_sync(signer: Signer) -> None:
    create, initialize = open_wrapped_sol(OWNER, ATTEMPT, 0, RENT)
    fund = transfer(TransferParams(from_pubkey=OWNER, to_pubkey=WRAPPED, lamports=AMOUNT_IN))
    sync = token_instruction(17, b"", WRAPPED)
    signer.sign(SWAP.message([create, initialize, fund, sync, MAKE_ATA, TRADE, CLOSE]), SWAP.allowed)
    with pytest.raises(SignatureRefused, match="lamports"):
        signer.sign(SWAP.message([create, initialize, fund, fund, sync, TRADE, CLOSE]), SWAP.allowed)


def test_the_attempts_memo_may_stand_once() -> None:
    memo = attempt_memo(ATTEMPT)
    require_allowed(SWAP.message([memo, *SWAP.instructions]), SWAP.allowed)
    for steps in ([memo, memo, *SWAP.instructions], [attempt_memo(UUID(int=1)), *SWAP.instructions]):
        with pytest.raises(SignatureRefused, match="memo"):
            require_allowed(SWAP.message(steps), SWAP.allowed)


def test_a_swap_of_tokens_may_not_wrap_sol(signer: Signer) -> None:
    swap = real_swap("raydium_cpmm", "tokens")
    steps = [*open_wrapped_sol(OWNER, ATTEMPT, 0, RENT), *swap.instructions, close_wrapped_sol(OWNER, ATTEMPT)]
    with pytest.raises(SignatureRefused):
        signer.sign(swap.message(steps), swap.allowed)


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
def test_each_changed_account_of_the_user_is_refused(signer: Signer, venue: str, direction: str) -> None:
    swap = real_swap(venue, direction)
    own = user_accounts(swap)
    tried = 0
    for at, step in enumerate(swap.instructions):
        for position, meta in enumerate(step.accounts):
            if meta.pubkey not in own:
                continue
            metas = list(step.accounts)
            metas[position] = AccountMeta(THIEF, False, meta.is_writable)
            steps = list(swap.instructions)
            steps[at] = Instruction(step.program_id, step.data, metas)
            with pytest.raises(SignatureRefused):
                signer.sign(swap.message(steps), swap.allowed)
            tried += 1
    assert tried >= 5


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
def test_accounts_added_to_or_taken_from_an_instruction_are_refused(signer: Signer, venue: str, direction: str) -> None:
    swap = real_swap(venue, direction)
    for at, step in enumerate(swap.instructions):
        if venue in WITH_ARRAYS and len(step.accounts) >= WITH_ARRAYS[venue]:
            continue
        for metas in (step.accounts[:-1], [*step.accounts, AccountMeta(THIEF, False, True)]):
            steps = list(swap.instructions)
            steps[at] = Instruction(step.program_id, step.data, metas)
            with pytest.raises(SignatureRefused):
                signer.sign(swap.message(steps), swap.allowed)


@pytest.mark.parametrize("venue", WITH_ARRAYS)
def test_a_swap_may_pass_more_or_fewer_arrays_but_not_none(signer: Signer, venue: str) -> None:
    swap = real_swap(venue, "sell")
    [at] = [at for at, step in enumerate(swap.instructions) if len(step.accounts) >= WITH_ARRAYS[venue]]
    step = swap.instructions[at]
    shortest = step.accounts[: WITH_ARRAYS[venue]]
    destination = account_of(swap, swap.allowed.mint_out)
    for metas, passes in (
        (shortest, True),
        ([*step.accounts, AccountMeta(stranger("array"), False, True)], True),
        (shortest[:-1], False),
        ([*step.accounts, AccountMeta(destination, False, True)], False),
        ([*step.accounts, AccountMeta(WRAPPED, False, True)], False),
    ):
        steps = list(swap.instructions)
        steps[at] = Instruction(step.program_id, step.data, metas)
        if passes:
            signer.sign(swap.message(steps), swap.allowed)
        else:
            with pytest.raises(SignatureRefused):
                signer.sign(swap.message(steps), swap.allowed)


def test_a_second_signer_or_another_payer_is_refused(signer: Signer) -> None:
    steps = [
        *SWAP.instructions[:-1],
        Instruction(TOKEN_PROGRAM, CLOSE.data, [*CLOSE.accounts, AccountMeta(THIEF, True, False)]),
    ]
    with pytest.raises(SignatureRefused, match="signatures"):
        signer.sign(SWAP.message(steps), SWAP.allowed)
    other = compose(THIEF, [TRADE], blockhash=BLOCKHASH, compute_unit_limit=LIMIT, compute_unit_price=PRICE)
    with pytest.raises(SignatureRefused):
        signer.sign(other, SWAP.allowed)


def looking_up(table: AddressLookupTableAccount) -> MessageV0:
    return compose(
        OWNER,
        SWAP.instructions,
        blockhash=BLOCKHASH,
        compute_unit_limit=LIMIT,
        compute_unit_price=PRICE,
        lookup_tables=[table],
    )


def test_no_lookup_table_says_who_is_paid(signer: Signer) -> None:
    """A node that lies about a table would have the chain find another account behind the index."""
    for account in OWN:
        table = AddressLookupTableAccount(stranger("table"), [account])
        with pytest.raises(SignatureRefused, match="lookup table"):
            signer.sign(looking_up(table), SWAP.allowed, [table])
        [hidden] = without([table], OWN)
        assert not looking_up(hidden).address_table_lookups


def test_lookup_tables_are_resolved_first(signer: Signer) -> None:
    named = [meta.pubkey for meta in TRADE.accounts]
    table = AddressLookupTableAccount(stranger("table"), [key for key in named if key not in OWN])
    message = looking_up(table)
    assert message.address_table_lookups
    assert signer.sign(message, SWAP.allowed, [table]).verify_with_results() == [True]
    with pytest.raises(SignatureRefused, match="unknown lookup table"):
        signer.sign(message, SWAP.allowed)
    swapped = AddressLookupTableAccount(table.key, list(reversed(table.addresses)))
    with pytest.raises(SignatureRefused):
        signer.sign(message, SWAP.allowed, [swapped])
    short = AddressLookupTableAccount(table.key, table.addresses[:2])
    with pytest.raises(SignatureRefused, match="behind the end"):
        signer.sign(message, SWAP.allowed, [short])


def test_no_compute_unit_limit_is_refused(signer: Signer) -> None:
    message = MessageV0.try_compile(OWNER, list(SWAP.instructions), [], BLOCKHASH)
    with pytest.raises(SignatureRefused, match="limit"):
        signer.sign(message, SWAP.allowed)


def test_a_message_with_indexes_behind_its_keys_is_refused() -> None:
    message = SWAP.message()
    cut = MessageV0(
        MessageHeader(1, 0, 1), message.account_keys[:4], message.recent_blockhash, message.instructions, []
    )
    with pytest.raises(SignatureRefused, match="does not name"):
        require_allowed(cut, SWAP.allowed)


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
def test_every_changed_byte_is_refused_or_changes_nothing_of_the_users(venue: str, direction: str) -> None:
    swap = real_swap(venue, direction)
    original = essence(swap.message(), swap)
    tried = accepted = 0
    for name, message in changed_bytes(swap.message()):
        tried += 1
        if is_allowed(message, swap):
            accepted += 1
            assert essence(message, swap) == original, name
    assert 32 * len(MASKS) <= accepted < tried // 2


@pytest.mark.parametrize(("venue", "direction"), SWAPS)
def test_every_changed_field_is_refused_or_changes_nothing_of_the_users(venue: str, direction: str) -> None:
    """What is left out or comes in another order makes the swap fail at most: only a token account that may exist
    already, and the price for the compute units."""
    swap = real_swap(venue, direction)
    original = essence(swap.message(), swap)
    tried = accepted = 0
    for name, message in changed_fields(swap.message(), THIEF):
        tried += 1
        if is_allowed(message, swap):
            accepted += 1
            left_out = Counter(original) - Counter(essence(message, swap))
            assert Counter(essence(message, swap)) <= Counter(original), name
            assert {program for program, *_ in left_out} <= {ASSOCIATED_TOKEN_PROGRAM, COMPUTE_BUDGET_PROGRAM}, name
    assert 0 < accepted < tried // 2
