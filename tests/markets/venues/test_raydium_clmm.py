"""Raydium CLMM beyond the vectors: ticks, what it needs, newer fees and limit orders by hand, the instruction."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from engine_app.markets.venues.array_bitmap import ArrayBitmap
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.raydium_clmm import ClmmPool, RaydiumClmm
from engine_app.markets.venues.raydium_clmm_fees import DynamicFee
from engine_app.markets.venues.raydium_clmm_ticks import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    TickArray,
    sqrt_price_at_tick,
)
from engine_app.markets.venues.spl_token import EpochFee, TransferFees
from engine_app.markets.venues.venue import ErrorKind, FeeKind, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import State, state

PROGRAM = Pubkey.from_string("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
VENUE = RaydiumClmm(PROGRAM)
SOL_USDC = state("raydium_clmm", "clmm-sol-usdc-4bp/+5s")
STABLE = state("raydium_clmm", "clmm-usdc-usdt-1bp")
AMOUNTS = st.integers(0, U64_MAX)
SWINGS = DynamicFee(
    filter_period=10,
    decay_period=60,
    reduction=5_000,
    control=500,
    max_accumulator=1_000_000,
    reference_index=0,
    reference=0,
    accumulator=200_000,
    updated_at=1_000,
)


def _pool(of: State = SOL_USDC) -> ClmmPool:
    return VENUE.decode(of.cases[0].pool, of.accounts)


def test_prices_reach_from_the_lowest_to_the_highest_tick() -> None:
    assert [sqrt_price_at_tick(tick) for tick in (MIN_TICK, 0, MAX_TICK)] == [MIN_SQRT_PRICE, 1 << 64, MAX_SQRT_PRICE]


@given(tick=st.integers(MIN_TICK, MAX_TICK - 1))
def test_prices_rise_with_the_tick(tick: int) -> None:
    assert sqrt_price_at_tick(tick) < sqrt_price_at_tick(tick + 1)


@given(indexes=st.sets(st.integers(-40, 39)), at=st.integers(-60, 60))
def test_a_bitmap_gives_what_lies_ahead_in_order(indexes: set[int], at: int) -> None:
    bitmap = ArrayBitmap(sum(1 << (index + 40) for index in indexes), lowest=-40, size=80)
    assert list(bitmap.ahead(at, downwards=True)) == sorted((i for i in indexes if i <= at), reverse=True)
    assert list(bitmap.ahead(at, downwards=False)) == sorted(i for i in indexes if i >= at)


def test_the_pool_is_found_by_derivation_and_by_search() -> None:
    pool = _pool()
    assert str(pool.address) == "3ucNos4NbumPLZNWztqGHNFFgkHeRMBQAVemeeomsUxv"
    content = SOL_USDC.accounts[pool.address].data
    for pair in (pool.mints, pool.mints[::-1]):
        assert pool.address in VENUE.derived_pools(*pair)
        [(size, filters)] = VENUE.pool_filters(*pair)
        assert size == len(content)
        assert all(content[at : at + len(word)] == word for at, word in filters)


def test_arrays_around_the_price_are_needed_and_no_more() -> None:
    pool = _pool()
    needed = VENUE.needed_accounts(pool.address, SOL_USDC.accounts)
    near = {array.key for way in (pool.down, pool.up) for array in way.arrays[:4]}
    assert near
    assert set(needed) >= {pool.config, pool.side_0.vault, pool.side_1.vault, pool.extension, *near}
    assert len(needed) <= 4 + 8
    only = {key: SOL_USDC.accounts[key] for key in (pool.address, *needed) if key in SOL_USDC.accounts}
    around = VENUE.decode(pool.address, only)
    assert around.quote_exact_in(pool.mints[0], 10**9, SOL_USDC.clock) == pool.quote_exact_in(
        pool.mints[0], 10**9, SOL_USDC.clock
    )


def test_a_vault_tells_that_its_mint_is_token_2022s() -> None:
    fee_state = state("raydium_clmm", "clmm-tfee-usdc-5bp-token2022/+5s")
    pool = _pool(fee_state)
    [mint] = [side.mint for side in (pool.side_0, pool.side_1) if side.token_program == TOKEN_2022_PROGRAM]
    assert mint in VENUE.needed_accounts(pool.address, fee_state.accounts)
    assert mint not in VENUE.needed_accounts(pool.address, {pool.address: fee_state.accounts[pool.address]})


def test_a_mint_that_cannot_be_priced_is_refused_on_both_sides() -> None:
    pool = _pool()
    free = EpochFee(0, 0, 0)
    hooked = dataclasses.replace(pool.side_0, transfer_fees=TransferFees(free, free, "transfer hook"))
    bent = dataclasses.replace(pool, side_0=hooked)
    for mint_in in pool.mints:
        for quote in (bent.quote_exact_in, bent.quote_exact_out):
            with pytest.raises(QuoteRefused, match="transfer hook"):
                quote(mint_in, 10**6, SOL_USDC.clock)


def test_more_than_the_arrays_that_were_read_is_refused_as_such() -> None:
    pool = _pool()
    one = dataclasses.replace(pool.down, arrays=pool.down.arrays[:1], goes_on=True)
    with pytest.raises(QuoteRefused, match="more tick arrays than were read"):
        dataclasses.replace(pool, down=one).quote_exact_in(pool.mints[0], 10**15, SOL_USDC.clock)


def test_the_dynamic_fee_follows_time_and_distance() -> None:
    referred = [SWINGS.referred(7, now) for now in (1_009, 1_010, 1_059, 1_060)]
    assert referred == [(0, 0), (7, 100_000), (7, 100_000), (7, 0)]
    accumulated = [SWINGS.accumulated((7, 100_000), index) for index in (7, 9, 0, 500)]
    assert accumulated == [100_000, 120_000, 170_000, 1_000_000]
    # ceil(500 × (100,000 × 10)² / 10¹³) = 50 parts per million; more than a tenth is never taken.
    assert [SWINGS.rate(accumulator, 10) for accumulator in (0, 100_000, 100_001, 10**9)] == [0, 50, 51, 100_000]


@pytest.mark.parametrize(("side", "amounts"), [(0, (10**7, 10**10, 5 * 10**10)), (1, (10**6, 10**9, 10**10))])
def test_a_dynamic_fee_costs_more_the_farther_the_price_goes(side: int, amounts: tuple[int, int, int]) -> None:
    pool = _pool()
    swinging = dataclasses.replace(
        pool, dynamic_fee=dataclasses.replace(SWINGS, updated_at=0, control=40_000, max_accumulator=10_000_000)
    )
    mint_in, clock = pool.mints[side], SOL_USDC.clock
    shares = []
    for amount in amounts:
        plain = pool.quote_exact_in(mint_in, amount, clock).amount_out
        shares.append(swinging.quote_exact_in(mint_in, amount, clock).amount_out / plain)
    assert 1 >= shares[0] > shares[1] > shares[2] > 0.9
    # Where the control is zero all the small steps together pay what one step pays, but for their rounding.
    still = dataclasses.replace(pool, dynamic_fee=dataclasses.replace(SWINGS, control=0))
    plain = pool.quote_exact_in(mint_in, 10**10, clock).amount_out
    assert 0 <= plain - still.quote_exact_in(mint_in, 10**10, clock).amount_out <= plain // 10**7


def test_a_fee_on_one_token_only_is_told_in_that_token() -> None:
    pool = _pool()
    for fee_on, mint in ((1, pool.mints[0]), (2, pool.mints[1])):
        bent = dataclasses.replace(pool, fee_on=fee_on)
        for mint_in in pool.mints:
            quote = bent.quote_exact_in(mint_in, 10**9, SOL_USDC.clock)
            assert [fee.mint for fee in quote.fees if fee.kind == FeeKind.POOL] == [mint]
            usual = pool.quote_exact_in(mint_in, 10**9, SOL_USDC.clock).amount_out
            assert abs(quote.amount_out - usual) <= usual // 10_000


def _with_orders(array: TickArray, tick: int, orders: int) -> TickArray:
    at = 44 + (tick - array.start) // array.spacing * 168 + 124
    data = array.data[:at] + orders.to_bytes(8, "little") + array.data[at + 8 :]
    return dataclasses.replace(array, data=data)


def test_limit_orders_are_filled_at_their_tick() -> None:
    pool = _pool(STABLE)
    mint_in, clock = pool.mints[0], STABLE.clock
    first, *others = pool.down.arrays
    tick = next(first.ticks(True, pool.tick if pool.down.from_current else None)).index
    at_tick, price = sqrt_price_at_tick(tick), pool.sqrt_price
    to_the_tick = (pool.liquidity * (price - at_tick) << 64) // (price * at_tick)
    way = dataclasses.replace(pool.down, arrays=(_with_orders(first, tick, 10**15), *others))
    deep = dataclasses.replace(pool, down=way, side_1=dataclasses.replace(pool.side_1, balance=U64_MAX))
    assert deep.reserve(pool.mints[1]) == U64_MAX

    # Once the price stands at the tick, everything more is paid at that price, the fee taken off first.
    begun = 2 * to_the_tick
    paid = deep.quote_exact_in(mint_in, begun, clock).amount_out
    for more in (10**9, 10**12):
        expected = (more - more * pool.trade_rate // 10**6) * (at_tick**2 >> 64) >> 64
        assert abs(deep.quote_exact_in(mint_in, begun + more, clock).amount_out - paid - expected) <= 2
    # And an exact amount out of it costs what that amount pays.
    wanted = paid + 10**9
    cost = deep.quote_exact_out(mint_in, wanted, clock).amount_in
    assert 0 <= deep.quote_exact_in(mint_in, cost, clock).amount_out - wanted <= 1
    # What the orders hold is the most that they give.
    with pytest.raises(QuoteRefused) as refused:
        deep.quote_exact_in(mint_in, 10**17, clock)
    assert refused.value.reason in (Refusal.OUT_OF_LIQUIDITY, Refusal.OUT_OF_RANGE)


@settings(max_examples=50)
@given(side=st.integers(0, 1), wanted=st.integers(1, 10**10))
def test_what_an_exact_amount_out_costs_buys_at_least_that(side: int, wanted: int) -> None:
    pool = _pool()
    quote = pool.quote_exact_out(pool.mints[side], wanted, SOL_USDC.clock)
    assert quote.amount_out == wanted
    assert pool.quote_exact_in(pool.mints[side], quote.amount_in, SOL_USDC.clock).amount_out >= wanted - 1


def test_closed_pools_are_refused() -> None:
    pool, clock = _pool(), SOL_USDC.clock
    for changed, reason in (
        (dataclasses.replace(pool, swap_disabled=True), Refusal.CLOSED),
        (dataclasses.replace(pool, open_time=clock.unix_timestamp), Refusal.NOT_OPEN_YET),
    ):
        with pytest.raises(QuoteRefused) as refused:
            changed.quote_exact_in(pool.mints[0], 10**9, clock)
        assert refused.value.reason == reason


def test_the_instruction_passes_two_arrays_to_spare() -> None:
    pool = _pool()
    small = pool.swap_instruction(USER, pool.mints[0], 10**6, 42)
    keys = [meta.pubkey for meta in small.accounts]
    arrays = [array.key for array in pool.down.arrays]
    assert keys[:13] == [
        USER.owner, pool.config, pool.address, USER.source, USER.destination, pool.side_0.vault, pool.side_1.vault,
        pool.observation, TOKEN_PROGRAM, TOKEN_2022_PROGRAM, keys[10], pool.mints[0], pool.mints[1],
    ]  # fmt: skip
    assert str(keys[10]).startswith("MemoSq4g")
    assert keys[13:] == [pool.extension, *arrays[:3]]
    assert all(meta.is_writable for meta in small.accounts[13:])
    assert small.data.hex() == "2b04ed0b1ac91e62" + "40420f0000000000" + "2a00000000000000" + "00" * 16 + "01"


@settings(max_examples=50)
@given(side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_is_read_back_as_written(side: int, amount_in: int, min_out: int) -> None:
    pool = _pool()
    request = VENUE.read_swap(pool.swap_instruction(USER, pool.mints[side], amount_in, min_out))
    assert (request.venue, request.pool, request.user) == ("raydium_clmm", pool.address, USER)
    assert (request.mints, request.amount_in, request.min_out) == (frozenset(pool.mints), amount_in, min_out)


def test_nothing_but_an_honest_swap_is_read() -> None:
    good = _pool().swap_instruction(USER, _pool().mints[0], 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True)
    bent = [
        Instruction(Pubkey.new_unique(), good.data, good.accounts),
        Instruction(PROGRAM, good.data[:-1], good.accounts),
        Instruction(PROGRAM, good.data[:-1] + b"\x02", good.accounts),
        Instruction(PROGRAM, good.data[:24] + b"\x01" + good.data[25:], good.accounts),
        Instruction(PROGRAM, bytes.fromhex("f8c69e91e17587c8") + good.data[8:], good.accounts),
        Instruction(PROGRAM, good.data, good.accounts[:13]),
        *(
            Instruction(PROGRAM, good.data, [*good.accounts[:at], stranger, *good.accounts[at + 1 :]])
            for at in (0, 8, 9, 10)
        ),
    ]
    for instruction in bent:
        with pytest.raises(DecodeError):
            VENUE.read_swap(instruction)


def test_errors_are_named_by_the_log_before_the_number() -> None:
    log = "Program log: AnchorError occurred. Error Code: LiquidityInsufficient. Error Number: 6019. Error Message: x."
    assert (VENUE.classify_error(6019, [log]).name, VENUE.classify_error(6019, [log]).kind) == (
        "LiquidityInsufficient",
        ErrorKind.LIQUIDITY,
    )
    assert VENUE.classify_error(6018, []).kind == ErrorKind.SLIPPAGE
    assert VENUE.classify_error(6000, []).kind == ErrorKind.CLOSED
