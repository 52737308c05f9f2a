"""Meteora DAMM v1 beyond the vectors: what it needs, locked profit, the stable curve's price, the instruction."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.token_accounts import TOKEN_PROGRAM
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.layout import U64_MAX
from engine_app.markets.venues.meteora_damm_v1 import DammV1Pool, FeeShare, MeteoraDammV1, Side
from engine_app.markets.venues.meteora_damm_v1_curves import StableSwap
from engine_app.markets.venues.meteora_vault import LockedProfit
from engine_app.markets.venues.venue import ErrorKind, ExactOutPool, QuoteRefused, Refusal, SwapAccounts
from tests.markets.venues.vectors import State, state

PROGRAM = Pubkey.from_string("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB")
VAULTS = Pubkey.from_string("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi")
USER = SwapAccounts(Pubkey.new_unique(), Pubkey.new_unique(), Pubkey.new_unique())
VENUE = MeteoraDammV1(PROGRAM, VAULTS)
SOL_USDC = state("meteora_damm_v1", "dammv1-sol-usdc-25bp")
STABLE = state("meteora_damm_v1", "dammv1-usdc-usdt-stable/traded0")
AMOUNTS = st.integers(0, U64_MAX)


def _pool(of: State = SOL_USDC) -> DammV1Pool:
    return VENUE.decode(of.cases[0].pool, of.accounts)


def test_the_pool_is_found_by_search() -> None:
    pool = _pool()
    content = SOL_USDC.accounts[pool.address].data
    for pair in (pool.mints, pool.mints[::-1]):
        hits = [
            all(content[at : at + len(word)] == word for at, word in filters)
            for size, filters in VENUE.pool_filters(*pair)
            if size == len(content)
        ]
        assert sorted(hits) == [False, True]
        assert len(set(VENUE.derived_pools(*pair))) == 3


def test_vaults_tell_what_else_is_needed() -> None:
    pool = _pool()
    at_first = VENUE.needed_accounts(pool.address, {pool.address: SOL_USDC.accounts[pool.address]})
    sides = (pool.side_a, pool.side_b)
    assert at_first == [side.vault.address for side in sides] + [side.shares_account for side in sides]
    needed = VENUE.needed_accounts(pool.address, SOL_USDC.accounts)
    theirs = {key for side in sides for key in (side.vault.token_vault, side.vault.lp_mint)}
    assert set(needed) - set(at_first) == theirs
    only = {key: SOL_USDC.accounts[key] for key in (pool.address, *needed)}
    assert VENUE.decode(pool.address, only) == pool
    for key in only:
        with pytest.raises(DecodeError, match=str(key)):
            VENUE.decode(pool.address, {other: value for other, value in only.items() if other != key})


def test_profit_is_unlocked_second_by_second() -> None:
    profit = LockedProfit(amount=1_000, reported_at=100, degradation=10**11)
    assert [profit.locked(now) for now in (100, 101, 105, 110, 111)] == [1_000, 900, 500, 0, 0]
    with pytest.raises(QuoteRefused):
        profit.locked(99)


def test_every_fee_is_a_unit_at_least() -> None:
    assert [FeeShare(25, 10_000).of(amount) for amount in (0, 1, 399, 800)] == [0, 1, 1, 2]
    assert FeeShare(0, 10_000).of(10**9) == 0


def test_equal_reserves_of_a_stable_pool_are_worth_the_same() -> None:
    curve = StableSwap(amplification=100, multiplier_a=1, multiplier_b=1_000)
    out, paid = curve.marginal_price(10**12, 10**9, a_to_b=True)
    assert out * 1_000 == paid
    small = curve.amount_out(10**6, 10**12, 10**9, a_to_b=True)
    assert 998 <= small <= 1_000
    out, paid = curve.marginal_price(10**9, 10**12, a_to_b=False)
    assert out == paid * 1_000


def test_the_stable_price_is_what_small_amounts_pay() -> None:
    pool = _pool(STABLE)
    mint_in = pool.mints[0]
    quote = pool.quote_exact_in(mint_in, 10**7, STABLE.clock)
    out, paid = quote.marginal_price
    assert 0.998 < quote.amount_out * paid / (quote.amount_in * out) < 1


def test_nothing_is_paid_for_nothing() -> None:
    pool = _pool()
    assert pool.quote_exact_in(pool.mints[0], 0, SOL_USDC.clock).amount_out == 0


def test_closed_pools_are_refused() -> None:
    pool = _pool()
    opens = SOL_USDC.clock.unix_timestamp + 1
    for changed, reason in (
        (dataclasses.replace(pool, enabled=False), Refusal.CLOSED),
        (dataclasses.replace(pool, activated_by_time=True, activation_point=opens), Refusal.NOT_OPEN_YET),
        (
            dataclasses.replace(pool, activated_by_time=False, activation_point=SOL_USDC.clock.slot + 1),
            Refusal.NOT_OPEN_YET,
        ),
    ):
        with pytest.raises(QuoteRefused) as refused:
            changed.quote_exact_in(pool.mints[0], 10**9, SOL_USDC.clock)
        assert refused.value.reason == reason


def test_a_vault_that_lent_out_too_much_cannot_pay() -> None:
    pool = _pool()
    poor = dataclasses.replace(pool.side_b, vault=dataclasses.replace(pool.side_b.vault, at_hand=10))
    with pytest.raises(QuoteRefused, match="lent out"):
        dataclasses.replace(pool, side_b=poor).quote_exact_in(pool.mints[0], 10**9, SOL_USDC.clock)


@pytest.mark.parametrize(("offset", "value"), [(475, 2), (874, 2)])
def test_an_unknown_mode_is_refused(offset: int, value: int) -> None:
    account = SOL_USDC.accounts[_pool().address]
    bent = account.data[:offset] + bytes([value]) + account.data[offset + 1 :]
    with pytest.raises(DecodeError, match=str(value)):
        VENUE.decode(_pool().address, {**SOL_USDC.accounts, _pool().address: dataclasses.replace(account, data=bent)})


def test_a_pool_of_a_staked_token_is_refused() -> None:
    address = _pool(STABLE).address
    account = STABLE.accounts[address]
    bent = account.data[:916] + b"\x01" + account.data[917:]
    with pytest.raises(DecodeError, match="staked"):
        VENUE.decode(address, {**STABLE.accounts, address: dataclasses.replace(account, data=bent)})


def test_the_venue_does_not_swap_for_exact_amounts_out() -> None:
    assert not isinstance(_pool(), ExactOutPool)


def test_the_instruction_names_the_inputs_fee_account() -> None:
    pool = _pool()
    for mint_in, side in zip(pool.mints, (pool.side_a, pool.side_b), strict=True):
        instruction = pool.swap_instruction(USER, mint_in, 1_500_000_000, 42)
        keys = [meta.pubkey for meta in instruction.accounts]
        assert keys[:3] == [pool.address, USER.source, USER.destination]
        assert keys[11:] == [side.protocol_fee, USER.owner, VAULTS, TOKEN_PROGRAM]
        assert [meta.is_writable for meta in instruction.accounts] == [True] * 12 + [False] * 3
        assert instruction.data.hex() == "f8c69e91e17587c8" + "002f685900000000" + "2a00000000000000"


@given(side=st.integers(0, 1), amount_in=AMOUNTS, min_out=AMOUNTS)
def test_a_swap_is_read_back_as_written(side: int, amount_in: int, min_out: int) -> None:
    pool = _pool()
    request = VENUE.read_swap(pool.swap_instruction(USER, pool.mints[side], amount_in, min_out))
    assert (request.venue, request.pool, request.user) == ("meteora_damm_v1", pool.address, USER)
    assert (request.mints, request.amount_in, request.min_out) == (frozenset(), amount_in, min_out)


def test_nothing_but_an_honest_swap_is_read() -> None:
    pool = _pool()
    good = pool.swap_instruction(USER, pool.mints[0], 7, 5)
    stranger = AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True)
    bent = [
        Instruction(Pubkey.new_unique(), good.data, good.accounts),
        Instruction(PROGRAM, good.data[:-1], good.accounts),
        Instruction(PROGRAM, bytes(8) + good.data[8:], good.accounts),
        Instruction(PROGRAM, good.data, good.accounts[:-1]),
        Instruction(PROGRAM, good.data, [*good.accounts, stranger]),
        *(
            Instruction(PROGRAM, good.data, [*good.accounts[:at], stranger, *good.accounts[at + 1 :]])
            for at in (12, 13, 14)
        ),
    ]
    for instruction in bent:
        with pytest.raises(DecodeError):
            VENUE.read_swap(instruction)


def test_errors_are_named_and_sorted() -> None:
    kinds = {6004: ErrorKind.SLIPPAGE, 6006: ErrorKind.TOO_SMALL, 6015: ErrorKind.CLOSED, 6000: ErrorKind.OTHER}
    assert {code: VENUE.classify_error(code, []).kind for code in kinds} == kinds


def test_the_clock_moves_a_pool_with_locked_profit() -> None:
    locked = next(
        found
        for label in ("fuzz0-dammv1-sol-bonk-100bp", "fuzz13-dammv1-sol-usdc-25bp", "fuzz4-dammv1-sol-bonk-100bp")
        if (found := state("meteora_damm_v1", label))
        and any(side.vault.locked_profit.locked(found.clock.unix_timestamp) for side in _sides(found))
    )
    pool = _pool(locked)
    clock = locked.clock
    later = ChainClock(clock.slot, clock.unix_timestamp + 10**9, clock.epoch)
    reserves = [side.reserve(clock.unix_timestamp) for side in (pool.side_a, pool.side_b)]
    assert [side.reserve(later.unix_timestamp) for side in (pool.side_a, pool.side_b)] != reserves


def _sides(of: State) -> list[Side]:
    pool = _pool(of)
    return [pool.side_a, pool.side_b]
