"""Raydium CPMM beyond the vectors: creator fees, addresses, the instruction and its reading, error names."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.raydium_cpmm import CpmmPool, FeeRates, RaydiumCpmm, swap_base_input, swap_base_output
from engine_app.markets.venues.venue import ErrorKind, Fee, FeeKind, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import State, load, state

MAINNET = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
DEVNET = Pubkey.from_string("DRaycpLY18LhpbydsBWbVJtxpNv9oXPgjRSfpF2bWpYb")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
SOL_USDC = state("raydium_cpmm", "cpmm-sol-usdc-25bp")
AMOUNTS = st.integers(0, U64_MAX)


def _pool(of: State = SOL_USDC) -> CpmmPool:
    pool = load("raydium_cpmm").venue.decode(of.cases[0].pool, of.accounts)
    assert isinstance(pool, CpmmPool)
    return pool


def test_the_authority_follows_from_the_program() -> None:
    assert str(RaydiumCpmm(MAINNET).authority) == "GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL"
    assert str(RaydiumCpmm(DEVNET).authority) == "CXniRufdq5xL8t8jZAPxsPZDpuudwuJSPWnbcD5Y5Nxq"


def test_the_pool_is_found_by_derivation_and_by_search() -> None:
    pool, venue = _pool(), RaydiumCpmm(MAINNET)
    content = SOL_USDC.accounts[pool.address].data
    for pair in (pool.mints, pool.mints[::-1]):
        assert pool.address in venue.derived_pools(*pair)
        [(size, filters)] = venue.pool_filters(*pair)
        assert size == len(content)
        assert all(content[at : at + len(word)] == word for at, word in filters)


def test_needed_accounts_are_what_decoding_needs() -> None:
    pool, venue = _pool(), RaydiumCpmm(MAINNET)
    needed = venue.needed_accounts(pool.address, SOL_USDC.accounts)
    assert needed == [pool.config, pool.side_0.vault, pool.side_1.vault]
    only = {key: SOL_USDC.accounts[key] for key in (pool.address, *needed)}
    assert venue.decode(pool.address, only) == pool
    for key in only:
        with pytest.raises(DecodeError, match=str(key)):
            venue.decode(pool.address, {other: value for other, value in only.items() if other != key})


def test_a_token_2022_mint_is_needed() -> None:
    fee_state = state("raydium_cpmm", "cpmm-tfee-token2022/traded0")
    pool = fee_state.cases[0].pool
    needed = RaydiumCpmm(MAINNET).needed_accounts(pool, fee_state.accounts)
    assert Pubkey.from_string("29cC5r6tKc8b4Rmae3xNi1NDNSUuLanzk1Lnpv3kEKig") in needed


# Worked by hand from the public source: 1,000,000 in, reserves of 10^9 each, 2500 + 500 parts per million.
def test_a_creator_fee_on_the_input_is_split_from_the_whole() -> None:
    swap = swap_base_input(1_000_000, 10**9, 10**9, FeeRates(trade=2500, creator=500), True)
    assert (swap.trade_fee, swap.creator_fee) == (2500, 500)
    assert swap.amount_out == 997_000 * 10**9 // (10**9 + 997_000)
    # 333 in: the whole fee is ceil(0.999) = 1 and stays the trade fee, where two rounded fees would take 2.
    small = swap_base_input(333, 10**9, 10**9, FeeRates(trade=2500, creator=500), True)
    assert (small.trade_fee, small.creator_fee, small.amount_out) == (1, 0, 331)


def test_a_creator_fee_on_the_output_is_taken_off_it() -> None:
    swap = swap_base_input(1_000_000, 10**9, 10**9, FeeRates(trade=2500, creator=500), False)
    gross = 997_500 * 10**9 // (10**9 + 997_500)
    assert (swap.trade_fee, swap.creator_fee, swap.amount_out) == (2500, 499, gross - 499)


@pytest.mark.parametrize(
    ("mode", "mint_in", "mint_of_fee"), [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0), (2, 0, 1), (2, 1, 1)]
)
def test_the_creator_fee_is_taken_in_the_mint_of_its_mode(mode: int, mint_in: int, mint_of_fee: int) -> None:
    pool = dataclasses.replace(_pool(), creator_fee_on=mode, rates=FeeRates(trade=2500, creator=10_000))
    quote = pool.quote_exact_in(pool.mints[mint_in], 10**9, SOL_USDC.clock)
    [creator] = [fee for fee in quote.fees if fee.kind == FeeKind.CREATOR]
    assert creator.mint == pool.mints[mint_of_fee]


def test_a_pool_without_creator_fee_ignores_the_rate_of_its_configuration() -> None:
    pool = _pool()
    config = SOL_USDC.accounts[pool.config]
    priced = config.data[:108] + (5000).to_bytes(8, "little") + config.data[116:]
    accounts = {**SOL_USDC.accounts, pool.config: dataclasses.replace(config, data=priced)}
    assert RaydiumCpmm(MAINNET).decode(pool.address, accounts).rates.creator == 0
    state_account = accounts[pool.address]
    enabled = state_account.data[:390] + b"\x01" + state_account.data[391:]
    accounts[pool.address] = dataclasses.replace(state_account, data=enabled)
    assert RaydiumCpmm(MAINNET).decode(pool.address, accounts).rates.creator == 5000


def test_fees_and_marginal_price_are_told() -> None:
    pool = _pool()
    quote = pool.quote_exact_in(pool.side_0.mint, 10**9, SOL_USDC.clock)
    assert quote.fees == (Fee(FeeKind.POOL, pool.side_0.mint, 2_500_000),)
    assert quote.marginal_price == (pool.side_1.reserve, pool.side_0.reserve)
    units_out, units_in = quote.marginal_price
    assert quote.amount_out * units_in < quote.amount_in * units_out


def test_a_foreign_mint_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no mint of the pool"):
        _pool().quote_exact_in(Pubkey.new_unique(), 1, SOL_USDC.clock)


def test_more_than_a_token_account_holds_is_refused() -> None:
    with pytest.raises(QuoteRefused) as refused:
        _pool().quote_exact_in(_pool().side_0.mint, U64_MAX + 1, SOL_USDC.clock)
    assert refused.value.reason == Refusal.OUT_OF_RANGE


def test_a_pool_that_owes_more_than_it_holds_is_refused() -> None:
    pool = _pool()
    indebted = dataclasses.replace(pool, side_1=dataclasses.replace(pool.side_1, reserve=-1))
    with pytest.raises(QuoteRefused) as refused:
        indebted.quote_exact_in(pool.side_0.mint, 10**9, SOL_USDC.clock)
    assert refused.value.reason == Refusal.OUT_OF_LIQUIDITY


# 1,000,000 out of reserves of 10^9 each: ceil(10^15 / 999,000,000) = 1,001,002 swapped, and the fee on top.
@pytest.mark.parametrize(
    ("rates", "on_input", "amount_in", "fees"),
    [
        (FeeRates(trade=0, creator=0), True, 1_001_002, (0, 0)),
        (FeeRates(trade=2500, creator=0), True, 1_003_511, (2509, 0)),
        (FeeRates(trade=2500, creator=500), True, 1_004_015, (2511, 502)),
        # 1,000,501 leave so that 1,000,000 are left of them; ceil(1,000,501 × 10^9 / 998,999,499) = 1,001,504.
        (FeeRates(trade=2500, creator=500), False, 1_004_015, (2511, 501)),
    ],
)
def test_an_exact_amount_out_is_paid_with_its_fees(
    rates: FeeRates, on_input: bool, amount_in: int, fees: tuple[int, int]
) -> None:
    swap = swap_base_output(1_000_000, 10**9, 10**9, rates, on_input)
    assert (swap.amount_in, swap.amount_out) == (amount_in, 1_000_000)
    assert (swap.trade_fee, swap.creator_fee) == fees


@given(side=st.integers(0, 1), wanted=st.integers(1, 10**12), taxed=st.booleans())
def test_what_an_exact_amount_out_costs_buys_at_least_that(side: int, wanted: int, taxed: bool) -> None:
    of = state("raydium_cpmm", "cpmm-tfee-token2022/traded0") if taxed else SOL_USDC
    pool = _pool(of)
    if wanted * 2 >= pool.reserve(pool.mints[1 - side]):
        return
    quote = pool.quote_exact_out(pool.mints[side], wanted, of.clock)
    assert quote.amount_out == wanted
    assert pool.quote_exact_in(pool.mints[side], quote.amount_in, of.clock).amount_out >= wanted


def test_more_than_the_pool_holds_is_refused() -> None:
    pool = _pool()
    for amount, reason in ((0, Refusal.TOO_SMALL), (pool.side_1.reserve, Refusal.OUT_OF_LIQUIDITY)):
        with pytest.raises(QuoteRefused) as refused:
            pool.quote_exact_out(pool.side_0.mint, amount, SOL_USDC.clock)
        assert refused.value.reason == reason


def test_the_instruction_lists_the_programs_accounts() -> None:
    pool = _pool()
    instruction = pool.swap_instruction(USER, pool.side_1.mint, 1_500_000_000, 42)
    token = pool.side_0.token_program
    expected = [
        (USER.owner, "s"), (pool.authority, ""), (pool.config, ""), (pool.address, "w"),
        (USER.source, "w"), (USER.destination, "w"), (pool.side_1.vault, "w"), (pool.side_0.vault, "w"),
        (token, ""), (token, ""), (pool.side_1.mint, ""), (pool.side_0.mint, ""), (pool.observation, "w"),
    ]  # fmt: skip
    marks = [(meta.pubkey, "s" * meta.is_signer + "w" * meta.is_writable) for meta in instruction.accounts]
    assert marks == expected
    assert instruction.program_id == MAINNET
    assert instruction.data.hex() == "8fbe5adac41e33de" + "002f685900000000" + "2a00000000000000"


@given(side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_is_read_back_as_written(side: int, amount_in: int, min_out: int) -> None:
    pool = _pool()
    instruction = pool.swap_instruction(USER, pool.mints[side], amount_in, min_out)
    request = RaydiumCpmm(MAINNET).read_swap(instruction)
    assert (request.venue, request.pool, request.user) == ("raydium_cpmm", pool.address, USER)
    assert request.mints == frozenset(pool.mints)
    assert (request.amount_in, request.min_out) == (amount_in, min_out)


def _bend(
    instruction: Instruction,
    *,
    data: bytes | None = None,
    metas: list[AccountMeta] | None = None,
    program: Pubkey = MAINNET,
) -> Instruction:
    return Instruction(program, instruction.data if data is None else data, metas or instruction.accounts)


def test_nothing_but_an_honest_swap_is_read() -> None:
    pool = _pool()
    good = pool.swap_instruction(USER, pool.side_0.mint, 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False)
    signing = AccountMeta(good.accounts[4].pubkey, is_signer=True, is_writable=True)

    def with_meta(index: int, meta: AccountMeta) -> list[AccountMeta]:
        return [*good.accounts[:index], meta, *good.accounts[index + 1 :]]

    bent = [
        _bend(good, program=DEVNET),
        _bend(good, data=b""),
        _bend(good, data=good.data[:-1]),
        _bend(good, data=good.data + b"\x00"),
        _bend(good, data=bytes.fromhex("f8c69e91e17587c8") + good.data[8:]),
        _bend(good, metas=good.accounts[:-1]),
        _bend(good, metas=[*good.accounts, stranger]),
        *(_bend(good, metas=with_meta(index, stranger)) for index in (0, 1, 8, 9)),
        _bend(good, metas=with_meta(4, signing)),
    ]
    for instruction in bent:
        with pytest.raises(DecodeError):
            RaydiumCpmm(MAINNET).read_swap(instruction)


def test_errors_are_named_and_sorted() -> None:
    classify = RaydiumCpmm(MAINNET).classify_error
    assert (classify(6005, []).name, classify(6005, []).kind) == ("ExceededSlippage", ErrorKind.SLIPPAGE)
    assert (classify(6000, []).name, classify(6000, []).kind) == ("NotApproved", ErrorKind.CLOSED)
    assert classify(2505, []).kind == ErrorKind.TOO_SMALL
    assert classify(6012, []).kind == ErrorKind.LIQUIDITY
    assert (classify(1, []).name, classify(1, []).kind) == ("custom error 1", ErrorKind.OTHER)
