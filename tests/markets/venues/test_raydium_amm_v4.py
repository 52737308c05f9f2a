"""Raydium AMM v4 beyond the vectors: status, builds, the instructions and their reading, exact amounts out."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import TOKEN_PROGRAM
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.raydium_amm_v4 import AmmV4Pool, Build, FeeRate, RaydiumAmmV4
from engine_app.markets.venues.venue import ErrorKind, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import state

PROGRAM = Pubkey.from_string("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
VENUE = RaydiumAmmV4(PROGRAM)
SOL_USDC = state("raydium_amm_v4", "ammv4-sol-usdc-25bp")
AMOUNTS = st.integers(0, U64_MAX)


def _pool(build: Build = Build.NEWER) -> AmmV4Pool:
    return RaydiumAmmV4(PROGRAM, build).decode(SOL_USDC.cases[0].pool, SOL_USDC.accounts)


def test_the_authority_follows_from_the_program() -> None:
    assert str(VENUE.authority) == "5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1"


def test_the_pool_is_found_by_search_in_either_order() -> None:
    pool = _pool()
    content = SOL_USDC.accounts[pool.address].data
    for pair in (pool.mints, pool.mints[::-1]):
        hits = [
            all(content[at : at + len(word)] == word for at, word in filters)
            for size, filters in VENUE.pool_filters(*pair)
            if size == len(content)
        ]
        assert sorted(hits) == [False, True]


def test_vaults_are_all_that_is_needed() -> None:
    pool = _pool()
    needed = VENUE.needed_accounts(pool.address, SOL_USDC.accounts)
    assert needed == [pool.side_coin.vault, pool.side_pc.vault]
    only = {key: SOL_USDC.accounts[key] for key in (pool.address, *needed)}
    assert VENUE.decode(pool.address, only) == pool


def test_the_builds_differ_below_four_hundred_units() -> None:
    rate = FeeRate(25, 10_000)
    assert [rate.on(amount, Build.OLDER) for amount in (1, 199, 200, 399, 400, 401, 800)] == [0, 0, 1, 1, 1, 2, 2]
    assert [rate.on(amount, Build.NEWER) for amount in (0, 1, 199, 200, 399, 400, 401)] == [0, 1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("status", "open_in", "reason"),
    [(0, 0, Refusal.CLOSED), (2, 0, Refusal.CLOSED), (4, 0, Refusal.CLOSED), (7, 1, Refusal.NOT_OPEN_YET),
     (1, 0, Refusal.UNSUPPORTED), (5, 0, Refusal.UNSUPPORTED), (6, 1, None), (7, 0, None)],
)  # fmt: skip
def test_the_status_decides(status: int, open_in: int, reason: Refusal | None) -> None:
    pool = dataclasses.replace(_pool(), status=status, open_time=SOL_USDC.clock.unix_timestamp + open_in)
    if reason is None:
        assert pool.quote_exact_in(pool.side_coin.mint, 10**9, SOL_USDC.clock).amount_out > 0
        return
    with pytest.raises(QuoteRefused) as refused:
        pool.quote_exact_in(pool.side_coin.mint, 10**9, SOL_USDC.clock)
    assert refused.value.reason == reason


@given(side=st.integers(0, 1), wanted=st.integers(1, 10**13))
def test_what_an_exact_amount_out_costs_buys_at_least_that(side: int, wanted: int) -> None:
    pool = _pool()
    mint_in = pool.mints[side]
    if wanted >= pool.reserve(pool.mints[1 - side]):
        with pytest.raises(QuoteRefused, match=Refusal.OUT_OF_LIQUIDITY):
            pool.quote_exact_out(mint_in, wanted, SOL_USDC.clock)
        return
    quote = pool.quote_exact_out(mint_in, wanted, SOL_USDC.clock)
    assert quote.amount_out == wanted
    assert pool.quote_exact_in(mint_in, quote.amount_in, SOL_USDC.clock).amount_out >= wanted


def test_the_newer_instruction_has_eight_accounts() -> None:
    pool = _pool()
    instruction = pool.swap_instruction(USER, pool.side_pc.mint, 1_500_000_000, 42)
    expected = [
        (TOKEN_PROGRAM, ""), (pool.address, "w"), (VENUE.authority, ""), (pool.side_coin.vault, "w"),
        (pool.side_pc.vault, "w"), (USER.source, "w"), (USER.destination, "w"), (USER.owner, "s"),
    ]  # fmt: skip
    assert [(meta.pubkey, "s" * meta.is_signer + "w" * meta.is_writable) for meta in instruction.accounts] == expected
    assert instruction.data.hex() == "10" + "002f685900000000" + "2a00000000000000"


def test_the_older_instruction_names_the_market() -> None:
    pool = _pool(Build.OLDER)
    instruction = pool.swap_instruction(USER, pool.side_pc.mint, 1_500_000_000, 42)
    keys = [meta.pubkey for meta in instruction.accounts]
    assert len(keys) == 18
    assert keys[3:8] == [
        pool.open_orders, pool.target_orders, pool.side_coin.vault, pool.side_pc.vault, pool.market_program,
    ]  # fmt: skip
    assert instruction.data.hex() == "09" + "002f685900000000" + "2a00000000000000"


@given(build=st.sampled_from(Build), side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_of_either_build_is_read_back_as_written(build: Build, side: int, amount_in: int, min_out: int) -> None:
    pool = _pool(build)
    request = VENUE.read_swap(pool.swap_instruction(USER, pool.mints[side], amount_in, min_out))
    assert (request.venue, request.pool, request.user) == ("raydium_amm_v4", pool.address, USER)
    assert (request.mints, request.amount_in, request.min_out) == (frozenset(), amount_in, min_out)


def test_nothing_but_an_honest_swap_is_read() -> None:
    pool = _pool()
    good = pool.swap_instruction(USER, pool.side_coin.mint, 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True)
    signing = AccountMeta(good.accounts[5].pubkey, is_signer=True, is_writable=True)

    def bend(index: int, meta: AccountMeta) -> Instruction:
        return Instruction(PROGRAM, good.data, [*good.accounts[:index], meta, *good.accounts[index + 1 :]])

    bent = [
        Instruction(Pubkey.new_unique(), good.data, good.accounts),
        Instruction(PROGRAM, b"", good.accounts),
        Instruction(PROGRAM, good.data + b"\x00", good.accounts),
        Instruction(PROGRAM, b"\x09" + good.data[1:], good.accounts),
        Instruction(PROGRAM, good.data, good.accounts[:-1]),
        Instruction(PROGRAM, good.data, [*good.accounts, stranger]),
        bend(0, stranger), bend(2, stranger), bend(7, stranger), bend(5, signing),
    ]  # fmt: skip
    for instruction in bent:
        with pytest.raises(DecodeError):
            VENUE.read_swap(instruction)


def test_errors_are_named_and_sorted() -> None:
    kinds = {22: ErrorKind.CLOSED, 29: ErrorKind.TOO_SMALL, 30: ErrorKind.SLIPPAGE, 40: ErrorKind.OTHER}
    assert {code: VENUE.classify_error(code, []).kind for code in kinds} == kinds
    assert VENUE.classify_error(30, []).name == "ExceededSlippage"
