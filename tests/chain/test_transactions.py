from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.chain.errors import TransactionTooLarge
from engine_app.chain.transactions import (
    LEAST_SPARE_UNITS,
    MAX_COMPUTE_UNITS,
    MAX_TRANSACTION_BYTES,
    compose,
    signed_bytes,
    unsigned_bytes,
    with_margin,
)

BLOCKHASH = Hash.new_unique()


def instruction(payer: Pubkey, size: int) -> Instruction:
    return Instruction(Pubkey.new_unique(), bytes(size), [AccountMeta(payer, is_signer=True, is_writable=True)])


def test_the_compute_budget_comes_first() -> None:
    payer = Keypair().pubkey()
    message = compose(
        payer, [instruction(payer, 4)], blockhash=BLOCKHASH, compute_unit_limit=77_000, compute_unit_price=5
    )
    data = [bytes(compiled.data) for compiled in message.instructions]
    assert data[0] == bytes(set_compute_unit_limit(77_000).data)
    assert data[1] == bytes(set_compute_unit_price(5).data)
    assert data[2] == bytes(4)
    assert message.recent_blockhash == BLOCKHASH
    assert message.account_keys[0] == payer


def test_signed_and_unsigned_bytes_differ_in_their_signatures_only() -> None:
    wallet = Keypair()
    message = compose(
        wallet.pubkey(),
        [instruction(wallet.pubkey(), 4)],
        blockhash=BLOCKHASH,
        compute_unit_limit=1,
        compute_unit_price=0,
    )
    signature = wallet.sign_message(to_bytes_versioned(message))
    signed = VersionedTransaction.from_bytes(signed_bytes(message, [signature]))
    assert signed.verify_with_results() == [True]
    unsigned = VersionedTransaction.from_bytes(unsigned_bytes(message))
    assert unsigned.signatures == [Signature.default()]
    assert unsigned.message == signed.message


def test_a_transaction_that_fills_the_packet_passes_and_one_byte_more_does_not() -> None:
    payer = Keypair().pubkey()

    def size_with(data: int) -> int:
        message = compose(
            payer, [instruction(payer, data)], blockhash=BLOCKHASH, compute_unit_limit=1, compute_unit_price=0
        )
        return len(unsigned_bytes(message))

    room = MAX_TRANSACTION_BYTES - size_with(200) + 200
    assert size_with(room) == MAX_TRANSACTION_BYTES
    with pytest.raises(TransactionTooLarge):
        size_with(room + 1)


@given(st.integers(min_value=0, max_value=2_000_000))
def test_the_compute_margin_is_a_tenth_rounded_up_and_never_small_within_the_limit(units: int) -> None:
    limit = with_margin(units)
    assert limit <= MAX_COMPUTE_UNITS
    if limit < MAX_COMPUTE_UNITS:
        assert limit >= units + LEAST_SPARE_UNITS
        assert 10 * limit >= 11 * units
        assert limit == units + LEAST_SPARE_UNITS or 10 * limit - 11 * units < 10
