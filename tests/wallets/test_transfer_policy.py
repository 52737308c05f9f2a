"""The signer signs a withdrawal, and nothing that would do anything else.

Each mutant that it lets pass is run on a real SVM, and moves what the order asks for or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
from solders.account import Account as SvmAccount
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction_metadata import TransactionMetadata

from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from engine_app.chain.transactions import SIGNATURE_LAMPORTS, attempt_memo, compose
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy import require_allowed
from engine_app.wallets.signer import Signer
from tests.wallets.messages import (
    AMOUNT_IN,
    ATTEMPT,
    BLOCKHASH,
    DECIMALS,
    INDEX,
    LIMIT,
    MINT,
    OWNER,
    PHRASE,
    PRICE,
    RECEIVER,
    RENT,
    TRANSFERS,
    WITHHELD,
    RealTransfer,
    real_swap,
    real_transfer,
    stranger,
)
from tests.wallets.mutations import changed_bytes, changed_fields

THIEF = stranger("thief")
LAMPORTS = 10 * AMOUNT_IN


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(PHRASE)


@pytest.mark.parametrize("kind", TRANSFERS)
def test_a_real_transfer_is_signed(signer: Signer, kind: str) -> None:
    wanted = real_transfer(kind)
    signed = signer.sign(wanted.message(), wanted.allowed)
    assert signed.verify_with_results() == [True]
    assert signed.message == wanted.message()


@pytest.mark.parametrize("kind", TRANSFERS)
@pytest.mark.parametrize(
    "changed",
    [
        {"owner": THIEF},
        {"destination": THIEF},
        {"mint": THIEF},
        {"amount": AMOUNT_IN - 1},
        {"amount": AMOUNT_IN + 1},
        {"max_priority_fee": LIMIT * PRICE // 1_000_000 - 1},
        {"derivation_index": INDEX + 1},
    ],
    ids="-".join,
)
def test_another_allowance_is_refused(signer: Signer, kind: str, changed: dict[str, Any]) -> None:
    wanted = real_transfer(kind)
    with pytest.raises(SignatureRefused):
        signer.sign(wanted.message(), replace(wanted.allowed, **changed))


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("token", {"decimals": DECIMALS + 1}),
        ("token", {"token_program": TOKEN_2022_PROGRAM}),
        ("token", {"withheld": 0}),
        ("withholding", {"token_program": TOKEN_PROGRAM}),
        ("withholding", {"withheld": WITHHELD + 1}),
        ("withholding", {"withheld": WITHHELD - 1}),
        ("withholding", {"withheld": None}),
        ("with memo", {"attempt_id": UUID(int=1)}),
    ],
)
def test_another_mints_rules_or_attempt_are_refused(signer: Signer, kind: str, changed: dict[str, Any]) -> None:
    wanted = real_transfer(kind)
    with pytest.raises(SignatureRefused):
        signer.sign(wanted.message(), replace(wanted.allowed, **changed))


def token_instruction(program: Pubkey, data: bytes, *accounts: Pubkey) -> Instruction:
    return Instruction(program, data, [AccountMeta(key, False, True) for key in accounts])


SOURCE = ata(OWNER, MINT, TOKEN_PROGRAM)
SWAP = real_swap("raydium_cpmm", "sell")
ONE = (1).to_bytes(8, "little")
FOREIGN = {
    "lamports to somebody else": transfer(TransferParams(from_pubkey=OWNER, to_pubkey=THIEF, lamports=1)),
    "lamports to the destination": transfer(TransferParams(from_pubkey=OWNER, to_pubkey=RECEIVER, lamports=1)),
    "tokens to somebody else": token_instruction(
        TOKEN_PROGRAM, b"\x0c" + ONE + bytes([DECIMALS]), SOURCE, MINT, THIEF, OWNER
    ),
    "unchecked transfer": token_instruction(
        TOKEN_PROGRAM, b"\x03" + ONE, SOURCE, ata(RECEIVER, MINT, TOKEN_PROGRAM), OWNER
    ),
    "approve": token_instruction(TOKEN_PROGRAM, b"\x04" + ONE, SOURCE, THIEF, OWNER),
    "set_authority": token_instruction(TOKEN_PROGRAM, b"\x06\x02\x01" + bytes(THIEF), SOURCE, OWNER),
    "close": token_instruction(TOKEN_PROGRAM, b"\x09", SOURCE, OWNER, OWNER),
    "the owner's token account": create_ata_idempotent(OWNER, OWNER, MINT, TOKEN_PROGRAM),
    "a stranger's token account": create_ata_idempotent(OWNER, THIEF, MINT, TOKEN_PROGRAM),
    "a wrapped-SOL account": open_wrapped_sol(OWNER, ATTEMPT, 0, RENT)[0],
    "its end": close_wrapped_sol(OWNER, ATTEMPT),
    "a swap": SWAP.instructions[3],
    "somebody's memo": attempt_memo(UUID(int=1)),
    "an unknown program": Instruction(THIEF, b"", []),
}


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("kind", TRANSFERS)
def test_a_foreign_instruction_is_refused(kind: str, name: str, at: int) -> None:
    wanted = real_transfer(kind)
    steps = list(wanted.instructions)
    steps.insert(at * len(steps), FOREIGN[name])
    with pytest.raises(SignatureRefused):
        require_allowed(wanted.message(steps), wanted.allowed)


def test_a_transfer_is_no_swap_and_a_swap_no_transfer() -> None:
    wanted = real_transfer("sol")
    with pytest.raises(SignatureRefused):
        require_allowed(wanted.message(), SWAP.allowed)
    with pytest.raises(SignatureRefused):
        require_allowed(SWAP.message(), wanted.allowed)


@pytest.mark.parametrize("kind", TRANSFERS)
def test_the_attempts_memo_may_stand_once(kind: str) -> None:
    wanted = real_transfer(kind)
    bare = [step for step in wanted.instructions if step != attempt_memo(ATTEMPT)]
    require_allowed(wanted.message([attempt_memo(ATTEMPT), *bare]), wanted.allowed)
    with pytest.raises(SignatureRefused, match="memo"):
        require_allowed(wanted.message([attempt_memo(ATTEMPT), attempt_memo(ATTEMPT), *bare]), wanted.allowed)


def looking_up(wanted: RealTransfer, table: AddressLookupTableAccount) -> MessageV0:
    return compose(
        OWNER,
        wanted.instructions,
        blockhash=BLOCKHASH,
        compute_unit_limit=LIMIT,
        compute_unit_price=PRICE,
        lookup_tables=[table],
    )


@pytest.mark.parametrize("kind", TRANSFERS)
def test_no_lookup_table_says_who_pays_and_who_is_paid(signer: Signer, kind: str) -> None:
    wanted = real_transfer(kind)
    for account in {meta.pubkey for meta in wanted.instructions[-1].accounts} - {OWNER}:
        table = AddressLookupTableAccount(stranger("table"), [account])
        with pytest.raises(SignatureRefused, match="lookup table"):
            signer.sign(looking_up(wanted, table), wanted.allowed, [table])


def test_lookup_tables_are_resolved_first(signer: Signer) -> None:
    wanted = real_transfer("opening")
    ends = {meta.pubkey for meta in wanted.instructions[-1].accounts}
    named = list(dict.fromkeys(meta.pubkey for step in wanted.instructions for meta in step.accounts))
    named = [account for account in named if account not in ends]
    table = AddressLookupTableAccount(stranger("table"), named)
    message = looking_up(wanted, table)
    assert message.address_table_lookups
    assert signer.sign(message, wanted.allowed, [table]).verify_with_results() == [True]
    for others in ([], [AddressLookupTableAccount(table.key, [THIEF] * len(named))]):
        with pytest.raises(SignatureRefused):
            signer.sign(message, wanted.allowed, others)


class Bench:
    """A real SVM in which a transfer's wallets and mint exist, set back before each run."""

    def __init__(self, wanted: RealTransfer, signer: Signer) -> None:
        self._svm = LiteSVM().with_blockhash_check(False)
        self._signer = signer
        self._allowed = wanted.allowed
        self._accounts = dict(_accounts(wanted))
        self.original = self.moved(wanted.message())

    def moved(self, message: MessageV0) -> dict[Pubkey, tuple[int, int]] | None:
        """What a message changed: lamports and base units by account, the fee apart; None where it failed, and so moved
        nothing but a fee that is within its bound."""
        for address, account in self._accounts.items():
            self._svm.set_account(address, account)
        before = self._held()
        ran = self._svm.send_transaction(self._signer.sign(message, self._allowed))
        after = self._held()
        changes = {
            key: (after[key][0] - before[key][0], after[key][1] - before[key][1])
            for key in before
            if after[key] != before[key]
        }
        if not isinstance(ran, TransactionMetadata):
            assert set(changes) <= {OWNER}
            assert -changes.get(OWNER, (0, 0))[0] <= SIGNATURE_LAMPORTS + self._allowed.max_priority_fee
            return None
        paid = ran.fee()
        assert paid <= SIGNATURE_LAMPORTS + self._allowed.max_priority_fee
        changes[OWNER] = (changes[OWNER][0] + paid, changes[OWNER][1])
        return changes

    def _held(self) -> dict[Pubkey, tuple[int, int]]:
        """Lamports and base units of all that could be touched."""
        held = {}
        for address in self._accounts:
            account = self._svm.get_account(address)
            data = b"" if account is None else bytes(account.data)
            units = int.from_bytes(data[64:72], "little") if len(data) >= 165 and address != MINT else 0
            held[address] = (0 if account is None else account.lamports, units)
        return held


def _accounts(wanted: RealTransfer) -> Iterator[tuple[Pubkey, SvmAccount]]:
    """The accounts that there are before the transfer, those of strangers among them."""
    system = Pubkey.default()
    for wallet in (OWNER, RECEIVER, THIEF):
        yield wallet, SvmAccount(LAMPORTS, b"", system)
    program, mint = wanted.plan.token_program, wanted.plan.transfer.mint
    if mint == WRAPPED_SOL_MINT:
        return
    fee = WITHHELD.to_bytes(8, "little") + (10_000).to_bytes(2, "little")
    withholds = wanted.plan.withheld is not None
    extensions = b"\x01" + _extension(1, bytes(72) + 2 * (bytes(8) + fee)) if withholds else b""
    description = bytes(4) + bytes(32) + (10**15).to_bytes(8, "little") + bytes([DECIMALS, 1]) + bytes(36)
    yield MINT, SvmAccount(RENT * 2, description + (bytes(83) + extensions if extensions else b""), program)
    for wallet, units in ((OWNER, 2 * AMOUNT_IN), (RECEIVER, 7), (THIEF, 7)):
        data = bytes(MINT) + bytes(wallet) + units.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
        if withholds:
            data += b"\x02" + _extension(2, bytes(8))
        elif wallet == RECEIVER and wanted.plan.with_memo:
            data += b"\x02" + _extension(8, b"\x01")
        exists = wallet != RECEIVER or wanted.plan.opens is None
        yield ata(wallet, MINT, program), SvmAccount(RENT * 2, data, program) if exists else SvmAccount(0, b"", system)


def _extension(kind: int, value: bytes) -> bytes:
    return kind.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value


@pytest.mark.parametrize("kind", TRANSFERS)
def test_a_transfer_moves_exactly_what_it_says(signer: Signer, kind: str) -> None:
    wanted = real_transfer(kind)
    moved = Bench(wanted, signer).original
    assert moved is not None
    if kind == "sol":
        assert moved == {OWNER: (-AMOUNT_IN, 0), RECEIVER: (AMOUNT_IN, 0)}
        return
    source, account = (ata(wallet, MINT, wanted.plan.token_program) for wallet in (OWNER, RECEIVER))
    rent = moved[account][0]
    assert (rent > 0) == (kind == "opening")
    arrives = AMOUNT_IN - (WITHHELD if kind == "withholding" else 0)
    assert moved == {OWNER: (-rent, 0), source: (0, -AMOUNT_IN), account: (rent, arrives)}


@pytest.mark.parametrize("kind", TRANSFERS)
def test_whatever_is_still_signed_moves_the_same_or_nothing(signer: Signer, kind: str) -> None:
    wanted = real_transfer(kind)
    bench = Bench(wanted, signer)
    tried = accepted = same = 0
    for name, mutant in chain(changed_bytes(wanted.message()), changed_fields(wanted.message(), THIEF)):
        tried += 1
        try:
            require_allowed(mutant, wanted.allowed)
        except SignatureRefused:
            continue
        accepted += 1
        moved = bench.moved(mutant)
        same += moved == bench.original
        assert moved in (None, bench.original), name
    assert tried > 700
    assert 32 * 3 <= same <= accepted < tried // 2
