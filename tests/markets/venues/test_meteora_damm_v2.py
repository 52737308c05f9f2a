"""Meteora DAMM v2 beyond the vectors: addresses, fees by hand, the instruction and its reading, error names."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.meteora_damm_v2 import DammV2Pool, MeteoraDammV2
from engine_app.markets.venues.meteora_damm_v2_curves import PriceRange
from engine_app.markets.venues.meteora_damm_v2_fees import RateLimiter
from engine_app.markets.venues.venue import ErrorKind, Fee, FeeKind, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import State, load, state

PROGRAM = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
VENUE = MeteoraDammV2(PROGRAM)
SOL_USDC = state("meteora_damm_v2", "dammv2-sol-usdc-5bp")
AMOUNTS = st.integers(0, U64_MAX)


def _pool(of: State = SOL_USDC) -> DammV2Pool:
    pool = load("meteora_damm_v2").venue.decode(of.cases[0].pool, of.accounts)
    assert isinstance(pool, DammV2Pool)
    return pool


def test_the_authorities_follow_from_the_program() -> None:
    assert str(VENUE.authority) == "HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC"
    assert str(VENUE.event_authority) == "3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet"


def test_the_pool_is_found_by_derivation_and_by_search() -> None:
    pool = _pool()
    content = SOL_USDC.accounts[pool.address].data
    for pair in (pool.mints, pool.mints[::-1]):
        assert pool.address in VENUE.derived_pools(*pair)
        hits = [
            all(content[at : at + len(word)] == word for at, word in filters)
            for size, filters in VENUE.pool_filters(*pair)
            if size == len(content)
        ]
        assert sorted(hits) == [False, True]


def test_a_classic_pool_needs_no_further_account() -> None:
    pool = _pool()
    account = SOL_USDC.accounts[pool.address]
    assert VENUE.needed_accounts(pool.address, SOL_USDC.accounts) == []
    assert VENUE.decode(pool.address, {pool.address: account}) == pool


def test_a_token_2022_pool_needs_its_mint() -> None:
    fee_state = state("meteora_damm_v2", "dammv2-tfee-usdc-token2022")
    address = fee_state.cases[0].pool
    [mint] = VENUE.needed_accounts(address, fee_state.accounts)
    assert str(mint) == "29cC5r6tKc8b4Rmae3xNi1NDNSUuLanzk1Lnpv3kEKig"
    with pytest.raises(DecodeError, match=str(mint)):
        VENUE.decode(address, {address: fee_state.accounts[address]})


@pytest.mark.parametrize(("offset", "value"), [(16, 5), (480, 2), (482, 2), (484, 3), (486, 2)])
def test_an_unknown_mode_is_refused(offset: int, value: int) -> None:
    pool = _pool()
    account = SOL_USDC.accounts[pool.address]
    bent = account.data[:offset] + bytes([value]) + account.data[offset + 1 :]
    with pytest.raises(DecodeError, match=f"{value}"):
        VENUE.decode(pool.address, {pool.address: dataclasses.replace(account, data=bent)})


def test_a_pool_switched_off_is_closed() -> None:
    closed = dataclasses.replace(_pool(), enabled=False)
    with pytest.raises(QuoteRefused) as refused:
        closed.quote_exact_in(closed.side_a.mint, 10**9, SOL_USDC.clock)
    assert refused.value.reason == Refusal.CLOSED


def test_a_pool_without_liquidity_is_refused() -> None:
    pool = _pool()
    assert isinstance(pool.curve, PriceRange)
    empty = dataclasses.replace(pool, curve=dataclasses.replace(pool.curve, liquidity=0))
    with pytest.raises(QuoteRefused) as refused:
        empty.quote_exact_in(pool.side_a.mint, 10**9, SOL_USDC.clock)
    assert refused.value.reason == Refusal.OUT_OF_LIQUIDITY


def test_the_fee_is_told_in_the_mint_it_is_taken_in() -> None:
    both = _pool()
    for mint_in, mint_out in (both.mints, both.mints[::-1]):
        [fee] = both.quote_exact_in(mint_in, 10**7, SOL_USDC.clock).fees
        assert (fee.kind, fee.mint) == (FeeKind.POOL, mint_out)
    only_b = dataclasses.replace(both, fee_follows_output=False)
    a, b = both.mints
    assert [fee.mint for fee in only_b.quote_exact_in(a, 10**7, SOL_USDC.clock).fees] == [b]
    # 500,000 over 10^9 of the input, rounded up.
    assert only_b.quote_exact_in(b, 10**7, SOL_USDC.clock).fees == (Fee(FeeKind.POOL, b, 5000),)


def test_the_marginal_price_turns_with_the_direction() -> None:
    pool = _pool()
    a, b = pool.mints
    out_a, in_b = pool.quote_exact_in(b, 10**7, SOL_USDC.clock).marginal_price
    assert pool.quote_exact_in(a, 10**7, SOL_USDC.clock).marginal_price == (in_b, out_a)
    quote = pool.quote_exact_in(a, 10**7, SOL_USDC.clock)
    effective = quote.amount_out * quote.marginal_price[1] / (quote.amount_in * quote.marginal_price[0])
    assert 0.99 < effective < 1


@given(
    label=st.sampled_from(("dammv2-sol-usdc-5bp", "dammv2-bonk-sol-dyn", "dammv2-sol-usdt-comp/+7s")),
    side=st.integers(0, 1),
    wanted=st.integers(1, 10**12),
)
def test_what_an_exact_amount_out_costs_buys_at_least_that(label: str, side: int, wanted: int) -> None:
    of = state("meteora_damm_v2", label)
    pool = _pool(of)
    if wanted * 2 >= pool.reserve(pool.mints[1 - side]):
        return
    quote = pool.quote_exact_out(pool.mints[side], wanted, of.clock)
    assert quote.amount_out == wanted
    assert pool.quote_exact_in(pool.mints[side], quote.amount_in, of.clock).amount_out >= wanted


def test_a_rate_limiter_at_work_gives_no_exact_amount_out() -> None:
    pool = _rate_limited()
    clock = ChainClock(pool.activation_point, pool.activation_point, 0)
    with pytest.raises(QuoteRefused, match="rate limiter"):
        pool.quote_exact_out(pool.side_b.mint, 1_000, clock)


def test_the_instruction_lists_the_programs_accounts() -> None:
    pool = _pool()
    instruction = pool.swap_instruction(USER, pool.side_b.mint, 1_500_000_000, 42)
    token = pool.side_a.token_program
    expected = [
        (pool.authority, ""), (pool.address, "w"), (USER.source, "w"), (USER.destination, "w"),
        (pool.side_a.vault, "w"), (pool.side_b.vault, "w"), (pool.side_a.mint, ""), (pool.side_b.mint, ""),
        (USER.owner, "s"), (token, ""), (token, ""), (PROGRAM, ""), (VENUE.event_authority, ""), (PROGRAM, ""),
    ]  # fmt: skip
    marks = [(meta.pubkey, "s" * meta.is_signer + "w" * meta.is_writable) for meta in instruction.accounts]
    assert marks == expected
    assert instruction.program_id == PROGRAM
    assert instruction.data.hex() == "f8c69e91e17587c8" + "002f685900000000" + "2a00000000000000"


def _rate_limited() -> DammV2Pool:
    return next(pool for of in load("meteora_damm_v2").states if isinstance((pool := _pool(of)).fees.base, RateLimiter))


@given(limited=st.booleans(), side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_is_read_back_as_written(limited: bool, side: int, amount_in: int, min_out: int) -> None:
    pool = _rate_limited() if limited else _pool()
    instruction = pool.swap_instruction(USER, pool.mints[side], amount_in, min_out)
    assert len(instruction.accounts) == (15 if limited else 14)
    request = VENUE.read_swap(instruction)
    assert (request.venue, request.pool, request.user) == ("meteora_damm_v2", pool.address, USER)
    assert request.mints == frozenset(pool.mints)
    assert (request.amount_in, request.min_out) == (amount_in, min_out)


def test_nothing_but_an_honest_swap_is_read() -> None:
    pool = _pool()
    good = pool.swap_instruction(USER, pool.side_a.mint, 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True)
    signing = AccountMeta(good.accounts[2].pubkey, is_signer=True, is_writable=True)

    def bend(index: int, meta: AccountMeta) -> Instruction:
        metas = [*good.accounts[:index], meta, *good.accounts[index + 1 :]]
        return Instruction(PROGRAM, good.data, metas)

    bent = [
        Instruction(Pubkey.new_unique(), good.data, good.accounts),
        Instruction(PROGRAM, b"", good.accounts),
        Instruction(PROGRAM, good.data + b"\x00", good.accounts),
        *(
            Instruction(PROGRAM, bytes.fromhex("414b3f4ceb5b5b88") + good.data[8:] + mode, good.accounts)
            for mode in (b"", b"\x00", b"\x01", b"\x03", b"\x02\x00")
        ),
        Instruction(PROGRAM, good.data, good.accounts[:-1]),
        Instruction(PROGRAM, good.data, [*good.accounts, stranger]),
        *(bend(index, stranger) for index in (0, 8, 9, 10, 11, 12, 13)),
        bend(2, signing),
    ]
    for instruction in bent:
        with pytest.raises(DecodeError):
            VENUE.read_swap(instruction)


def test_errors_are_named_and_sorted() -> None:
    expected = {
        6002: ("ExceededSlippage", ErrorKind.SLIPPAGE),
        6003: ("PoolDisabled", ErrorKind.CLOSED),
        6006: ("AmountIsZero", ErrorKind.TOO_SMALL),
        6015: ("PriceRangeViolation", ErrorKind.LIQUIDITY),
        6023: ("InsufficientLiquidity", ErrorKind.LIQUIDITY),
        6049: ("FailToValidateSingleSwapInstruction", ErrorKind.OTHER),
    }
    found = {code: VENUE.classify_error(code, []) for code in expected}
    assert {code: (error.name, error.kind) for code, error in found.items()} == expected
