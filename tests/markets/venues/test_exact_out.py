"""Swaps for an exact amount out, of every venue whose program has them: what is written, and what is read back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.venue import ExactOutPool, Pool, SwapAccounts, Venue
from tests.markets.venues.vectors import load

USER = SwapAccounts(owner=Pubkey.new_unique(), source=Pubkey.new_unique(), destination=Pubkey.new_unique())
MAX_IN, AMOUNT_OUT = 1_500_000_000, 42
IN, OUT = "002f685900000000", "2a00000000000000"
DATA = {
    "raydium_amm_v4": "0b" + IN + OUT,
    "raydium_amm_v4_v2": "11" + IN + OUT,
    "raydium_clmm": "2b04ed0b1ac91e62" + OUT + IN + "00" * 17,
    "raydium_cpmm": "37d96256a34ab4ad" + IN + OUT,
    "meteora_damm_v2": "414b3f4ceb5b5b88" + OUT + IN + "02",
    "meteora_dlmm_v012": "2bd7f784893cf351" + IN + OUT + "00000000",
}
"""By the files of measured pools: an instruction's data for `MAX_IN` and `AMOUNT_OUT`."""
AMOUNTS = st.integers(0, 2**64 - 1)


def _market(name: str) -> tuple[Venue, Pool]:
    vectors = load(name)
    state = vectors.states[0]
    return vectors.venue, vectors.venue.decode(state.cases[0].pool, state.accounts)


def _instruction(pool: Pool, mint_in: Pubkey, max_in: int, amount_out: int) -> Instruction:
    assert isinstance(pool, ExactOutPool)
    return pool.swap_exact_out_instruction(USER, mint_in, max_in, amount_out)


def test_only_damm_v1_has_none() -> None:
    assert not isinstance(_market("meteora_damm_v1")[1], ExactOutPool)


@pytest.mark.parametrize("name", DATA)
def test_it_names_the_accounts_of_a_swap_that_spends_as_much(name: str) -> None:
    _, pool = _market(name)
    for mint_in in pool.mints:
        instruction = _instruction(pool, mint_in, MAX_IN, AMOUNT_OUT)
        assert instruction.data.hex() == DATA[name]
        assert instruction.accounts == pool.swap_instruction(USER, mint_in, MAX_IN, AMOUNT_OUT).accounts
        assert instruction.program_id == pool.swap_instruction(USER, mint_in, 1, 1).program_id


@pytest.mark.parametrize("name", DATA)
@settings(max_examples=25)
@given(side=st.integers(0, 1), max_in=AMOUNTS, amount_out=AMOUNTS)
def test_it_is_read_back_as_written(name: str, side: int, max_in: int, amount_out: int) -> None:
    venue, pool = _market(name)
    request = venue.read_swap(_instruction(pool, pool.mints[side], max_in, amount_out))
    assert (request.amount_in, request.min_out, request.exact_out) == (max_in, amount_out, True)
    sold = venue.read_swap(pool.swap_instruction(USER, pool.mints[side], max_in, amount_out))
    assert replace(request, exact_out=False) == sold


@pytest.mark.parametrize("name", DATA)
def test_each_changed_byte_is_refused_or_read_as_something_else(name: str) -> None:
    venue, pool = _market(name)
    good = _instruction(pool, pool.mints[0], MAX_IN, AMOUNT_OUT)
    asked, refused = venue.read_swap(good), 0
    bent = [good.data[:-1], good.data + b"\0", b""]
    bent += [
        good.data[:at] + bytes([good.data[at] ^ mask]) + good.data[at + 1 :]
        for at in range(len(good.data))
        for mask in (1, 0x80, 0xFF)
    ]
    for data in bent:
        try:
            assert venue.read_swap(Instruction(good.program_id, data, good.accounts)) != asked
        except DecodeError:
            refused += 1
    assert refused >= 4
