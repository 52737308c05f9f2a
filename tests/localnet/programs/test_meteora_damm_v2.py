"""What the DAMM v2 stand-in does beyond the measured cases: refusals, swap2's other modes, referral, state."""

import math

import pytest
from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from tests.localnet.programs import damm_v2
from tests.localnet.programs.vectors import USER_IN, USER_OUT, Chain, load

BILLION = 10**9
SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
NOWHERE = Pubkey.from_bytes(bytes([77]) * 32)
REFERRAL = Pubkey.from_bytes(bytes([78]) * 32)
FILE = load("meteora_damm_v2")
STATES = {state["id"]: state for state in FILE["states"]}
POOLS = {case["state"]: Pubkey.from_string(case["pool"]) for case in FILE["cases"]}
PLAIN, DYNAMIC_ONLY_B, RANGE, TRANSFER_FEE, COMPOUNDING, LIMITED = 0, 4, 2, 3, 10, 44
PRICE, LOWEST, HIGHEST, LIQUIDITY = 456, 424, 440, 360
AMOUNT = 10**9


def fresh(state: int = PLAIN) -> tuple[Chain, Pubkey]:
    return Chain(damm_v2.PROGRAM_ID, damm_v2.PROGRAM, STATES[state]), POOLS[state]


def mints(chain: Chain, pool: Pubkey) -> tuple[Pubkey, Pubkey]:
    state = chain.accounts[pool][2]
    return Pubkey.from_bytes(state[168:200]), Pubkey.from_bytes(state[200:232])


def fund(chain: Chain, pool: Pubkey, a_to_b: bool = True, amount: int = AMOUNT) -> None:
    mint_a, mint_b = mints(chain, pool)
    chain.give(USER_IN, mint_a if a_to_b else mint_b, amount)
    chain.give(USER_OUT, mint_b if a_to_b else mint_a, 0)


def fee_rate(chain: Chain, pool: Pubkey) -> int:
    """The numerator over 1e9 of a pool without schedule: the cliff and the dynamic fee."""
    accumulator, bin_step, control = (chain.number(pool, at, size) for at, size in ((120, 16), (72, 2), (68, 4)))
    dynamic = ceil_div((accumulator * bin_step) ** 2 * control, 10**11) if chain.number(pool, 56, 1) else 0
    return chain.number(pool, 8) + dynamic


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def test_the_floor_is_inclusive_and_named_when_missed() -> None:
    case = next(c for c in FILE["cases"] if c["state"] == PLAIN and int(c.get("out", 0)) > 1000)
    amount, out = int(case["amount_in"]), int(case["out"])
    for minimum, error in ((out, None), (out + 1, 6002)):
        chain, pool = fresh()
        fund(chain, pool, case["in_mint"] == str(mints(chain, pool)[0]), amount)
        outcome = chain.send(damm_v2.swap(amount, minimum), damm_v2.metas(chain, pool))
        assert outcome.error == error
    assert any(
        "Error Code: ExceededSlippage. Error Number: 6002. Error Message: Exceeded slippage tolerance." in line
        for line in outcome.logs
    )


REFUSED_WHEN_REPLACED = {
    0: 2012,
    1: 3007,
    2: 3012,
    3: 3012,
    4: 2001,
    5: 2001,
    6: 2014,
    7: 2014,
    8: 3010,
    9: 2021,
    10: 2021,
    11: 3012,
    12: 2006,
}


@pytest.mark.parametrize("index", REFUSED_WHEN_REPLACED)
def test_an_account_that_is_not_there_is_refused(index: int) -> None:
    chain, pool = fresh()
    fund(chain, pool)
    metas = damm_v2.metas(chain, pool)
    metas[index] = AccountMeta(NOWHERE, False, metas[index].is_writable or index == 11)
    assert chain.send(damm_v2.swap(AMOUNT), metas).error == REFUSED_WHEN_REPLACED[index]


@pytest.mark.parametrize("index", [1, 2, 3, 4, 5])
def test_an_account_to_write_must_be_writable(index: int) -> None:
    chain, pool = fresh()
    fund(chain, pool)
    metas = damm_v2.metas(chain, pool)
    metas[index] = AccountMeta(metas[index].pubkey, False, False)
    assert chain.send(damm_v2.swap(AMOUNT), metas).error == 3006


def test_the_pool_must_be_a_pool() -> None:
    chain, pool = fresh()
    fund(chain, pool)
    chain.patch(pool, 0, b"notapool")
    assert chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool)).error == 3002


@pytest.mark.parametrize(
    ("data", "accounts", "error"),
    [
        (b"", 14, 101),
        (b"notaswap" + bytes(16), 14, 101),
        (damm_v2.swap(AMOUNT)[:-1], 14, 102),
        (damm_v2.swap2(AMOUNT, 0, 0)[:-1], 14, 102),
        (damm_v2.swap(AMOUNT), 13, 3005),
        (damm_v2.swap2(AMOUNT, 0, 3), 14, 6018),
    ],
)
def test_malformed_instructions_are_refused(data: bytes, accounts: int, error: int) -> None:
    chain, pool = fresh()
    fund(chain, pool)
    assert chain.send(data, damm_v2.metas(chain, pool)[:accounts]).error == error


@pytest.mark.parametrize(
    ("at", "data", "error"),
    [
        (481, b"\x01", 6003),
        (480, b"\x02", 6010),
        (484, b"\x03", 6007),
        (486, b"\x02", 6052),
        (16, b"\x05", 6047),
        (696, b"\x02", 6007),
    ],
)
def test_a_pool_in_an_unknown_or_closed_state_refuses(at: int, data: bytes, error: int) -> None:
    chain, pool = fresh()
    fund(chain, pool)
    chain.patch(pool, at, data)
    assert chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool)).error == error


@pytest.mark.parametrize(("early", "error"), [(3600, None), (3601, 6003)])
def test_the_whitelisted_vault_may_buy_an_hour_early(early: int, error: int | None) -> None:
    chain, pool = fresh()
    fund(chain, pool)
    metas = damm_v2.metas(chain, pool)
    chain.patch(pool, 472, (STATES[PLAIN]["unix_timestamp"] + early).to_bytes(8, "little"))
    chain.patch(pool, 296, bytes(metas[8].pubkey))
    assert chain.send(damm_v2.swap(AMOUNT), metas).error == error


@pytest.mark.parametrize("a_to_b", [True, False])
@pytest.mark.parametrize("state", [PLAIN, DYNAMIC_ONLY_B, COMPOUNDING])
def test_exact_out_takes_the_least_input(state: int, a_to_b: bool) -> None:
    out = 3_333_333
    chain, pool = fresh(state)
    rate, mode = fee_rate(chain, pool), chain.number(pool, 484, 1)
    on_input = mode != 0 and not a_to_b
    gross = out if on_input else ceil_div(out * BILLION, BILLION - rate)
    price, liquidity = chain.number(pool, PRICE, 16), chain.number(pool, LIQUIDITY, 16)
    if mode == 2:
        reserve_in, reserve_out = (chain.number(pool, at) for at in ((680, 688) if a_to_b else (688, 680)))
        net = ceil_div(reserve_in * gross, reserve_out - gross)
    elif a_to_b:
        after = price - ceil_div(gross << 128, liquidity)
        net = ceil_div(liquidity * (price - after), price * after)
    else:
        after = ceil_div(liquidity * price, liquidity - gross * price)
        net = ceil_div(liquidity * (after - price), 1 << 128)
    spent = ceil_div(net * BILLION, BILLION - rate) if on_input else net
    for maximum, error in ((spent, None), (spent - 1, 6002)):
        chain, _ = fresh(state)
        fund(chain, pool, a_to_b, 2 * spent)
        outcome = chain.send(damm_v2.swap2(out, maximum, damm_v2.EXACT_OUT), damm_v2.metas(chain, pool))
        assert (outcome.error, outcome.received, outcome.spent) == (error, 0 if error else out, 0 if error else spent)


@pytest.mark.parametrize("a_to_b", [True, False])
def test_exact_out_beyond_the_range_is_refused(a_to_b: bool) -> None:
    chain, pool = fresh(RANGE)
    fund(chain, pool, a_to_b, 10**18)
    reserve = chain.number(pool, 688 if a_to_b else 680)
    outcome = chain.send(damm_v2.swap2(reserve, 10**18, damm_v2.EXACT_OUT), damm_v2.metas(chain, pool))
    assert outcome.error == 6015


@pytest.mark.parametrize("a_to_b", [True, False])
def test_a_partial_fill_stops_at_the_end_of_the_range(a_to_b: bool) -> None:
    chain, pool = fresh(RANGE)
    price, end = chain.number(pool, PRICE, 16), chain.number(pool, LOWEST if a_to_b else HIGHEST, 16)
    liquidity, rate = chain.number(pool, LIQUIDITY, 16), fee_rate(chain, pool)
    low, high = sorted((price, end))
    in_a, in_b = liquidity * (high - low), liquidity * (high - low)
    spent = ceil_div(in_a, low * high) if a_to_b else ceil_div(in_b, 1 << 128)
    gross = in_b >> 128 if a_to_b else in_a // (low * high)
    fund(chain, pool, a_to_b, 10**18)
    outcome = chain.send(damm_v2.swap2(10**18, 0, damm_v2.PARTIAL_FILL), damm_v2.metas(chain, pool))
    assert outcome.error is None
    assert (outcome.spent, outcome.received) == (spent, gross - ceil_div(gross * rate, BILLION))
    assert chain.number(pool, PRICE, 16) == end


def test_a_partial_fill_within_the_range_spends_everything() -> None:
    chain, pool = fresh(RANGE)
    fund(chain, pool)
    partly = chain.send(damm_v2.swap2(AMOUNT, 0, damm_v2.PARTIAL_FILL), damm_v2.metas(chain, pool))
    chain, _ = fresh(RANGE)
    fund(chain, pool)
    wholly = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
    assert (partly.received, partly.spent) == (wholly.received, AMOUNT)


@pytest.mark.parametrize("state", [PLAIN, DYNAMIC_ONLY_B, COMPOUNDING])
@pytest.mark.parametrize("a_to_b", [True, False])
def test_a_referral_is_paid_out_of_the_protocols_part(state: int, a_to_b: bool) -> None:
    chain, pool = fresh(state)
    mint_a, mint_b = mints(chain, pool)
    fund(chain, pool, a_to_b)
    without = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
    protocol = sum(damm_v2.fees_earned(chain, pool)[f"protocol_fee_{token}"] for token in "ab")
    assert protocol > 100
    chain, _ = fresh(state)
    fund(chain, pool, a_to_b)
    fee_in_a = chain.number(pool, 484, 1) == 0 and not a_to_b
    chain.give(REFERRAL, mint_a if fee_in_a else mint_b, 0)
    given = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool, REFERRAL))
    referred = protocol * chain.number(pool, 50, 1) // 100
    assert given.received == without.received
    assert chain.balance(REFERRAL) == referred
    assert damm_v2.fees_earned(chain, pool)[f"protocol_fee_{'a' if fee_in_a else 'b'}"] == protocol - referred


@pytest.mark.parametrize("a_to_b", [True, False])
@pytest.mark.parametrize("state", [PLAIN, DYNAMIC_ONLY_B, COMPOUNDING, TRANSFER_FEE])
def test_reserves_and_fees_account_for_every_unit_in_the_vaults(state: int, a_to_b: bool) -> None:
    """A vault grows by what the reserve grew and what its fee counters earned; a compounding part is in both."""
    chain, pool = fresh(state)
    fund(chain, pool, a_to_b)
    outcome = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
    assert outcome.error is None
    earned, before = damm_v2.fees_earned(chain, pool), chain.accounts[pool][2]
    bps = chain.number(pool, 54, 2)
    for token, vault_at, reserve_at in (("a", 232, 680), ("b", 264, 688)):
        vault = Pubkey.from_bytes(before[vault_at : vault_at + 32])
        moved = chain.balance(vault) - int.from_bytes(chain.accounts[vault][2][64:72], "little")
        reserve = chain.number(pool, reserve_at) - int.from_bytes(before[reserve_at : reserve_at + 8], "little")
        compounded = earned[f"lp_fee_{token}"] * bps // 10_000
        assert moved == reserve + earned[f"lp_fee_{token}"] - compounded + earned[f"protocol_fee_{token}"]


def test_fees_per_liquidity_grow_by_the_claimable_fee() -> None:
    chain, pool = fresh()
    fund(chain, pool)
    before = chain.number(pool, 520, 32)
    chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
    claimable = damm_v2.fees_earned(chain, pool)["lp_fee_b"]
    assert claimable > 0
    assert chain.number(pool, 520, 32) - before == (claimable << 128) // chain.number(pool, LIQUIDITY, 16)


def test_a_compounding_pools_price_follows_its_reserves() -> None:
    chain, pool = fresh(COMPOUNDING)
    fund(chain, pool)
    chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
    reserve_a, reserve_b = chain.number(pool, 680), chain.number(pool, 688)
    assert chain.number(pool, PRICE, 16) == math.isqrt((reserve_b << 128) // reserve_a)


def test_a_large_swap_raises_the_dynamic_fee_of_the_next() -> None:
    chain, pool = fresh(DYNAMIC_ONLY_B)
    start, rate = STATES[DYNAMIC_ONLY_B]["unix_timestamp"], fee_rate(chain, pool)
    reserve = chain.number(pool, 680)
    fund(chain, pool, amount=reserve // 20)
    assert chain.send(damm_v2.swap(reserve // 20), damm_v2.metas(chain, pool)).error is None
    assert fee_rate(chain, pool) > rate
    assert chain.number(pool, 80) == start


def test_a_pool_of_the_first_layout_learns_its_reserves() -> None:
    chain, pool = fresh()
    expected = {}
    for layout in (1, 0):
        chain, _ = fresh()
        price, liquidity = chain.number(pool, PRICE, 16), chain.number(pool, LIQUIDITY, 16)
        low, high = chain.number(pool, LOWEST, 16), chain.number(pool, HIGHEST, 16)
        if layout == 0:
            chain.patch(pool, 680, bytes(17))
            expected = {680: ceil_div(liquidity * (high - price), high * price)}
            expected[688] = ceil_div(liquidity * (price - low), 1 << 128)
        fund(chain, pool)
        outcome = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool))
        assert outcome.error is None
    assert chain.number(pool, 696, 1) == 1
    assert chain.number(pool, 680) == expected[680] + AMOUNT
    assert chain.number(pool, 688) < expected[688]


@pytest.mark.parametrize(("mode", "limit"), [(damm_v2.EXACT_IN, 0), (damm_v2.EXACT_OUT, 10**12)])
def test_the_rate_limiter_reads_the_transaction(mode: int, limit: int) -> None:
    """A limited buy must bring the instructions sysvar; a second one in the same transaction is refused."""
    data = damm_v2.swap2(5_000_000, limit, mode)
    for accounts, times, error in ((15, 1, None), (14, 1, 6049), (15, 2, 6049)):
        chain, pool = fresh(LIMITED)
        fund(chain, pool, False, 10**12)
        assert chain.send(data, damm_v2.metas(chain, pool)[:accounts], times).error == error


def test_the_rate_limiter_takes_no_other_account_for_the_sysvar() -> None:
    chain, pool = fresh(LIMITED)
    fund(chain, pool, False)
    metas = damm_v2.metas(chain, pool)
    metas[14] = AccountMeta(NOWHERE, False, False)
    assert "UnsupportedSysvar" in str(chain.send(damm_v2.swap(AMOUNT), metas).error)


def test_a_sale_is_not_limited() -> None:
    chain, pool = fresh(LIMITED)
    fund(chain, pool)
    outcome = chain.send(damm_v2.swap(AMOUNT), damm_v2.metas(chain, pool)[:14], times=1)
    assert outcome.error is None


@pytest.mark.parametrize("amount", [10**6, 5 * 10**6, 3 * 10**7, 10**8, 10**11])
def test_a_limited_exact_out_is_the_inverse_of_exact_in(amount: int) -> None:
    """Below, within and above the limiter's steps: what one gives costs no more the other way, and buys as much."""

    def swap(data: bytes) -> tuple[int, int]:
        chain, pool = fresh(LIMITED)
        fund(chain, pool, False, 2 * amount)
        outcome = chain.send(data, damm_v2.metas(chain, pool))
        assert outcome.error is None
        return outcome.received, outcome.spent

    bought, _ = swap(damm_v2.swap(amount))
    received, spent = swap(damm_v2.swap2(bought, 2 * amount, damm_v2.EXACT_OUT))
    assert received == bought
    assert spent <= amount
    again, _ = swap(damm_v2.swap(spent))
    assert bought - 1 <= again <= bought
