"""Meteora DLMM beyond the vectors: prices, what it needs, fees and transfer fees by hand, the instruction."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.meteora_dlmm import DlmmPair, MeteoraDlmm
from engine_app.markets.venues.meteora_dlmm_bins import decode_bitmap, price_of_bin
from engine_app.markets.venues.meteora_dlmm_swap import PairFee
from engine_app.markets.venues.spl_token import EpochFee, TransferFees
from engine_app.markets.venues.venue import ErrorKind, FeeKind, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import State, load, state

PROGRAM = Pubkey.from_string("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
VENUE = MeteoraDlmm(PROGRAM)
SOL_USDC = state("meteora_dlmm_v012", "dlmm-sol-usdc-10/+6s")
AMOUNTS = st.integers(0, U64_MAX)
FEE = PairFee(
    base=1_000_000,
    bin_step=10,
    control=40_000,
    filter_period=30,
    decay_period=600,
    reduction=5_000,
    max_accumulator=350_000,
    accumulator=100_000,
    reference=0,
    reference_bin=5,
    updated_at=1_000,
)


def _pair(of: State = SOL_USDC) -> DlmmPair:
    return VENUE.decode(of.cases[0].pool, of.accounts)


def test_the_event_authority_follows_from_the_program() -> None:
    assert str(VENUE.event_authority) == "D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6"


def test_prices_are_those_that_the_program_keeps_in_its_bins() -> None:
    compared = 0
    for of in load("meteora_dlmm").states:
        pair = _pair(of)
        for way in (pair.down, pair.up):
            for array in way.arrays:
                for found in array.bins(way.downwards, limit_orders=False):
                    assert found.price == price_of_bin(found.bin_id, pair.bin_step)
                    compared += 1
    assert compared > 1_000


def test_the_bitmap_reaches_beyond_the_pairs_own() -> None:
    pair = Pubkey.new_unique()
    above, below = bytearray(768), bytearray(768)
    above[0] |= 1  # the first array above the pair's own, 512
    above[767] |= 0x80  # the last one, 6655
    below[0] |= 1  # the first one below, -513
    below[64] |= 2  # -513 - 512 - 1
    discriminator = bytes.fromhex("506f7c7137ed1205")
    extension = Account(PROGRAM, 1, discriminator + bytes(pair) + bytes(above) + bytes(below))
    own = (1 << 511 | 1 << 512).to_bytes(128, "little")
    bitmap = decode_bitmap(own, extension, program=PROGRAM, pair=pair)
    assert list(bitmap.ahead(-6656, downwards=False)) == [-1026, -513, -1, 0, 512, 6655]
    with pytest.raises(DecodeError, match="another pair"):
        decode_bitmap(own, extension, program=PROGRAM, pair=Pubkey.new_unique())


def test_the_pair_is_found_by_search() -> None:
    pair = _pair()
    content = SOL_USDC.accounts[pair.address].data
    for mints in (pair.mints, pair.mints[::-1]):
        hits = [
            all(content[at : at + len(word)] == word for at, word in filters)
            for size, filters in VENUE.pool_filters(*mints)
            if size == len(content)
        ]
        assert sorted(hits) == [False, True]
        assert len(set(VENUE.derived_pools(*mints))) == 64


def test_arrays_around_the_price_are_needed() -> None:
    pair = _pair()
    needed = VENUE.needed_accounts(pair.address, SOL_USDC.accounts)
    assert {array.key for way in (pair.down, pair.up) for array in way.arrays[:4]} < set(needed)
    assert len(needed) <= 1 + 8
    only = {key: SOL_USDC.accounts[key] for key in (pair.address, *needed) if key in SOL_USDC.accounts}
    assert VENUE.decode(pair.address, only).quote_exact_in(pair.mints[0], 10**9, SOL_USDC.clock).amount_out > 0


def test_the_fee_follows_time_and_distance() -> None:
    assert [FEE.referred(9, now) for now in (1_029, 1_030, 1_599, 1_600)] == [(5, 0), (9, 50_000), (9, 50_000), (9, 0)]
    # 10 bins away: ceil(40,000 × (100,000 × 10)² / 10¹¹) = 400,000 over 10⁹ on top.
    assert [FEE.rate((5, 0), bin_id) for bin_id in (5, 15, -5)] == [1_000_000, 1_400_000, 1_400_000]
    assert dataclasses.replace(FEE, base=10**9).rate((5, 0), 5) == 100_000_000


def test_transfer_fees_are_taken_on_both_sides() -> None:
    pair, clock = _pair(), SOL_USDC.clock
    mint_x, mint_y = pair.mints
    percent, none = EpochFee(0, U64_MAX, 100), EpochFee(0, 0, 0)

    def with_fees(side_x: EpochFee, side_y: EpochFee) -> DlmmPair:
        return dataclasses.replace(
            pair,
            side_x=dataclasses.replace(pair.side_x, transfer_fees=TransferFees(side_x, side_x)),
            side_y=dataclasses.replace(pair.side_y, transfer_fees=TransferFees(side_y, side_y)),
        )

    plain = pair.quote_exact_in(mint_x, 990_000_000, clock)
    on_input = with_fees(percent, none).quote_exact_in(mint_x, 10**9, clock)
    assert on_input.amount_out == plain.amount_out
    assert [fee.amount for fee in on_input.fees if fee.kind == FeeKind.TRANSFER] == [10_000_000]
    on_output = with_fees(none, percent).quote_exact_in(mint_x, 990_000_000, clock)
    assert on_output.amount_out == plain.amount_out - -(-plain.amount_out // 100)
    back = with_fees(percent, percent).quote_exact_out(mint_y, 10**6, clock)
    assert with_fees(percent, percent).quote_exact_in(mint_y, back.amount_in, clock).amount_out >= 10**6


def test_a_mint_that_cannot_be_priced_is_refused_on_both_sides() -> None:
    pair, free = _pair(), EpochFee(0, 0, 0)
    hooked = dataclasses.replace(pair.side_x, transfer_fees=TransferFees(free, free, "transfer hook"))
    bent = dataclasses.replace(pair, side_x=hooked)
    for mint_in in pair.mints:
        for quote in (bent.quote_exact_in, bent.quote_exact_out):
            with pytest.raises(QuoteRefused, match="transfer hook"):
                quote(mint_in, 10**6, SOL_USDC.clock)


def test_a_token_2022_mint_is_needed() -> None:
    pair = _pair()
    account = SOL_USDC.accounts[pair.address]
    flagged = account.data[:881] + b"\x01" + account.data[882:]
    accounts = {**SOL_USDC.accounts, pair.address: dataclasses.replace(account, data=flagged)}
    assert pair.mints[1] in VENUE.needed_accounts(pair.address, accounts)
    with pytest.raises(DecodeError, match=str(pair.mints[1])):
        VENUE.decode(pair.address, accounts)


@settings(max_examples=50)
@given(side=st.integers(0, 1), wanted=st.integers(1, 10**8), fee_in_y=st.booleans())
def test_what_an_exact_amount_out_costs_buys_at_least_that(side: int, wanted: int, fee_in_y: bool) -> None:
    pair = dataclasses.replace(_pair(), fee_in_y=fee_in_y)
    quote = pair.quote_exact_out(pair.mints[side], wanted, SOL_USDC.clock)
    assert quote.amount_out == wanted
    assert pair.quote_exact_in(pair.mints[side], quote.amount_in, SOL_USDC.clock).amount_out >= wanted


def test_closed_pairs_are_refused() -> None:
    pair, clock = _pair(), SOL_USDC.clock
    later = clock.unix_timestamp + 1
    for changed, reason in (
        (dataclasses.replace(pair, enabled=False), Refusal.CLOSED),
        (dataclasses.replace(pair, activation_point=later, activated_by_time=True), Refusal.NOT_OPEN_YET),
        (dataclasses.replace(pair, activation_point=clock.slot + 1, activated_by_time=False), Refusal.NOT_OPEN_YET),
    ):
        with pytest.raises(QuoteRefused) as refused:
            changed.quote_exact_in(pair.mints[0], 10**9, clock)
        assert refused.value.reason == reason


def test_more_than_the_arrays_that_were_read_is_refused_as_such() -> None:
    pair = _pair()
    one = dataclasses.replace(pair.down, arrays=pair.down.arrays[:1], goes_on=True)
    with pytest.raises(QuoteRefused, match="more bin arrays than were read"):
        dataclasses.replace(pair, down=one).quote_exact_in(pair.mints[0], 10**15, SOL_USDC.clock)


def test_the_instruction_lists_the_programs_accounts() -> None:
    pair = _pair()
    instruction = pair.swap_instruction(USER, pair.mints[0], 10**6, 42)
    keys = [meta.pubkey for meta in instruction.accounts]
    token = pair.side_x.token_program
    assert keys[:13] == [
        pair.address, PROGRAM, pair.side_x.vault, pair.side_y.vault, USER.source, USER.destination, pair.mints[0],
        pair.mints[1], pair.oracle, PROGRAM, USER.owner, token, token,
    ]  # fmt: skip
    assert keys[14:16] == [VENUE.event_authority, PROGRAM]
    assert keys[16:] == [array.key for array in pair.down.arrays[:3]]
    assert instruction.data.hex() == "414b3f4ceb5b5b88" + "40420f0000000000" + "2a00000000000000" + "00000000"
    fetched = Pubkey.find_program_address([b"bitmap", bytes(pair.address)], PROGRAM)[0]
    extended = dataclasses.replace(pair, extension=fetched).swap_instruction(USER, pair.mints[0], 10**6, 42)
    assert (extended.accounts[1].pubkey, extended.accounts[1].is_writable) == (fetched, True)
    assert VENUE.read_swap(extended).pool == pair.address


@settings(max_examples=50)
@given(side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_is_read_back_as_written(side: int, amount_in: int, min_out: int) -> None:
    pair = _pair()
    request = VENUE.read_swap(pair.swap_instruction(USER, pair.mints[side], amount_in, min_out))
    assert (request.venue, request.pool, request.user) == ("meteora_dlmm", pair.address, USER)
    assert (request.mints, request.amount_in, request.min_out) == (frozenset(pair.mints), amount_in, min_out)


def test_nothing_but_an_honest_swap_is_read() -> None:
    good = _pair().swap_instruction(USER, _pair().mints[0], 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True)
    bent = [
        Instruction(Pubkey.new_unique(), good.data, good.accounts),
        Instruction(PROGRAM, good.data[:-1], good.accounts),
        Instruction(PROGRAM, good.data[:-1] + b"\x01", good.accounts),
        Instruction(PROGRAM, bytes.fromhex("f8c69e91e17587c8") + good.data[8:], good.accounts),
        Instruction(PROGRAM, good.data, good.accounts[:16]),
        *(
            Instruction(PROGRAM, good.data, [*good.accounts[:at], stranger, *good.accounts[at + 1 :]])
            for at in (1, 9, 10, 11, 12, 13, 14, 15)
        ),
    ]
    for instruction in bent:
        with pytest.raises(DecodeError):
            VENUE.read_swap(instruction)


@pytest.mark.parametrize(("offset", "value"), [(34, 10), (36, 2), (86, 2), (880, 2)])
def test_an_unknown_mode_is_refused(offset: int, value: int) -> None:
    address = _pair().address
    account = SOL_USDC.accounts[address]
    bent = account.data[:offset] + bytes([value]) + account.data[offset + 1 :]
    with pytest.raises(DecodeError, match=str(value)):
        VENUE.decode(address, {**SOL_USDC.accounts, address: dataclasses.replace(account, data=bent)})


def test_errors_are_named_and_sorted() -> None:
    kinds = {
        6002: ErrorKind.TOO_SMALL,
        6003: ErrorKind.SLIPPAGE,
        6036: ErrorKind.LIQUIDITY,
        6042: ErrorKind.CLOSED,
        6027: ErrorKind.OTHER,
    }
    assert {code: VENUE.classify_error(code, []).kind for code in kinds} == kinds
