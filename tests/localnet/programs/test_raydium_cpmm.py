"""What the CPMM stand-in does beyond the measured cases: refusals, exact out, creator fees, the oracle."""

import pytest
from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from tests.localnet.programs import cpmm
from tests.localnet.programs.vectors import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, USER_IN, USER_OUT, Chain, load

MILLION = 10**6
SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
NOWHERE = Pubkey.from_bytes(bytes([77]) * 32)
FILE = load("raydium_cpmm")
STATES = {state["id"]: state for state in FILE["states"]}
POOLS = {case["state"]: Pubkey.from_string(case["pool"]) for case in FILE["cases"]}
SOL_USDC, TRADED, TRANSFER_FEE = 0, 2, 5
AMOUNT = 10**9


def fresh(state: int = SOL_USDC) -> tuple[Chain, Pubkey]:
    return Chain(cpmm.PROGRAM_ID, cpmm.PROGRAM, STATES[state]), POOLS[state]


def fund(chain: Chain, mint_in: Pubkey = SOL, mint_out: Pubkey = USDC, amount: int = AMOUNT) -> None:
    chain.give(USER_IN, mint_in, amount)
    chain.give(USER_OUT, mint_out, 0)


def mints(chain: Chain, pool: Pubkey) -> tuple[Pubkey, Pubkey]:
    state = chain.accounts[pool][2]
    return Pubkey.from_bytes(state[168:200]), Pubkey.from_bytes(state[200:232])


def reserves(chain: Chain, pool: Pubkey) -> tuple[int, int]:
    state = chain.accounts[pool][2]
    vaults = Pubkey.from_bytes(state[72:104]), Pubkey.from_bytes(state[104:136])
    zero, one = (
        chain.balance(vault) - sum(chain.number(pool, at + 8 * token) for at in (341, 357, 397))
        for token, vault in enumerate(vaults)
    )
    return zero, one


def rate(chain: Chain, pool: Pubkey, at: int) -> int:
    return chain.number(Pubkey.from_bytes(chain.accounts[pool][2][8:40]), at)


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def test_the_floor_is_inclusive_and_named_when_missed() -> None:
    case = next(c for c in FILE["cases"] if c["state"] == SOL_USDC and int(c.get("out", 0)) > 1000)
    amount, out = int(case["amount_in"]), int(case["out"])
    pool, mint_in, mint_out = (Pubkey.from_string(case[k]) for k in ("pool", "in_mint", "out_mint"))
    for minimum, error in ((out, None), (out + 1, 6005)):
        chain, _ = fresh()
        fund(chain, mint_in, mint_out, amount)
        outcome = chain.send(cpmm.exact_in(amount, minimum), cpmm.metas(chain, pool, mint_in, mint_out))
        assert outcome.error == error
    assert any(
        "Error Code: ExceededSlippage. Error Number: 6005. Error Message: Exceeds desired slippage limit." in line
        for line in outcome.logs
    )


REFUSED_WHEN_REPLACED = {
    1: (2006, "authority"),
    2: (3012, "amm_config"),
    3: (3007, "pool_state"),
    4: (3012, "input_token_account"),
    5: (3012, "output_token_account"),
    6: (3012, "input_vault"),
    7: (3012, "output_vault"),
    8: (3008, "input_token_program"),
    9: (3008, "output_token_program"),
    10: (3012, "input_token_mint"),
    11: (3012, "output_token_mint"),
    12: (3007, "observation_state"),
}


@pytest.mark.parametrize("index", REFUSED_WHEN_REPLACED)
def test_an_account_that_is_not_there_is_refused_by_name(index: int) -> None:
    error, name = REFUSED_WHEN_REPLACED[index]
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    metas[index] = AccountMeta(NOWHERE, False, metas[index].is_writable)
    outcome = chain.send(cpmm.exact_in(AMOUNT), metas)
    assert outcome.error == error
    assert any(f"AnchorError caused by account: {name}." in line for line in outcome.logs)


@pytest.mark.parametrize(
    ("index", "other", "error"),
    [(6, 4, 2003), (7, 5, 2003), (10, 11, 2012), (11, 10, 2012), (6, 7, 2012), (2, 3, 3002), (12, 3, 3002)],
)
def test_another_account_of_the_swap_in_its_place_is_refused(index: int, other: int, error: int) -> None:
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    metas[index] = AccountMeta(metas[other].pubkey, False, True)
    assert chain.send(cpmm.exact_in(AMOUNT), metas).error == error


@pytest.mark.parametrize("index", [2, 12])
def test_a_true_copy_at_another_address_is_refused(index: int) -> None:
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    original = chain.svm.get_account(metas[index].pubkey)
    assert original is not None
    chain.svm.set_account(NOWHERE, original)
    metas[index] = AccountMeta(NOWHERE, False, True)
    assert chain.send(cpmm.exact_in(AMOUNT), metas).error == 2012


@pytest.mark.parametrize("index", [3, 4, 5, 6, 7, 12])
def test_an_account_to_write_must_be_writable(index: int) -> None:
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    metas[index] = AccountMeta(metas[index].pubkey, False, False)
    assert chain.send(cpmm.exact_in(AMOUNT), metas).error == 2000


def test_the_taker_must_sign() -> None:
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    metas[0] = AccountMeta(NOWHERE, False, False)
    assert chain.send(cpmm.exact_in(AMOUNT), metas).error == 3010


def test_both_vaults_the_same_is_refused() -> None:
    chain, pool = fresh()
    fund(chain)
    metas = cpmm.metas(chain, pool, SOL, USDC)
    metas[7], metas[11] = metas[6], metas[10]
    assert chain.send(cpmm.exact_in(AMOUNT), metas).error == 6008


@pytest.mark.parametrize(("held", "owner", "error"), [(AMOUNT - 1, None, 1), (AMOUNT, NOWHERE, 4)])
def test_the_token_program_guards_the_takers_account(held: int, owner: Pubkey | None, error: int) -> None:
    chain, pool = fresh()
    fund(chain)
    chain.give(USER_IN, SOL, held, owner)
    assert chain.send(cpmm.exact_in(AMOUNT), cpmm.metas(chain, pool, SOL, USDC)).error == error


@pytest.mark.parametrize(
    ("data", "accounts", "error"),
    [
        (b"", 13, 101),
        (b"notaswap" + bytes(16), 13, 101),
        (cpmm.exact_in(AMOUNT)[:-1], 13, 102),
        (cpmm.exact_in(AMOUNT), 12, 3005),
    ],
)
def test_malformed_instructions_are_refused(data: bytes, accounts: int, error: int) -> None:
    chain, pool = fresh()
    fund(chain)
    assert chain.send(data, cpmm.metas(chain, pool, SOL, USDC)[:accounts]).error == error


@pytest.mark.parametrize("state", [SOL_USDC, TRADED])
@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("out", [1, 999, 123_456_789])
def test_exact_out_takes_the_least_input(state: int, zero_for_one: bool, out: int) -> None:
    chain, pool = fresh(state)
    mint_in, mint_out = mints(chain, pool)[:: 1 if zero_for_one else -1]
    reserve_in, reserve_out = reserves(chain, pool)[:: 1 if zero_for_one else -1]
    trade = rate(chain, pool, 12)
    net = ceil_div(reserve_in * out, reserve_out - out)
    gross = ceil_div(net * MILLION, MILLION - trade)
    for maximum, error in ((gross, None), (gross - 1, 6005)):
        chain, _ = fresh(state)
        fund(chain, mint_in, mint_out, 2 * gross)
        outcome = chain.send(cpmm.exact_out(out, maximum), cpmm.metas(chain, pool, mint_in, mint_out))
        assert outcome.error == error
        assert (outcome.received, outcome.spent) == ((0, 0) if error else (out, gross))


def test_exact_out_of_nothing_is_refused() -> None:
    chain, pool = fresh()
    fund(chain)
    assert chain.send(cpmm.exact_out(0, AMOUNT), cpmm.metas(chain, pool, SOL, USDC)).error == 2505


@pytest.mark.parametrize("fee_mint_is_output", [True, False])
def test_exact_out_pays_transfer_fees_on_top(fee_mint_is_output: bool) -> None:
    chain, pool = fresh(TRANSFER_FEE)
    fee_mint, plain = sorted(mints(chain, pool), key=lambda mint: chain.token_program(mint) == TOKEN_PROGRAM)
    assert chain.token_program(fee_mint) == TOKEN_2022_PROGRAM
    mint_in, mint_out = (plain, fee_mint) if fee_mint_is_output else (fee_mint, plain)
    fund(chain, mint_in, mint_out, 10**12)
    outcome = chain.send(cpmm.exact_out(1_000_003, 10**12), cpmm.metas(chain, pool, mint_in, mint_out))
    assert outcome.error is None
    assert outcome.received == 1_000_003


@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("exact_in", [True, False])
def test_creator_fees(zero_for_one: bool, mode: int, exact_in: bool) -> None:
    """Taken on the input in mode 0 and where the mode's token is the input, else on the output."""
    creator_rate, amount = 2_500, 987_654_321
    chain, pool = fresh(TRADED)
    chain.patch(pool, 389, bytes([mode, 1]))
    chain.patch(Pubkey.from_bytes(chain.accounts[pool][2][8:40]), 108, creator_rate.to_bytes(8, "little"))
    mint_in, mint_out = mints(chain, pool)[:: 1 if zero_for_one else -1]
    reserve_in, reserve_out = reserves(chain, pool)[:: 1 if zero_for_one else -1]
    trade_rate, on_input = rate(chain, pool, 12), mode == 0 or (mode == 1) == zero_for_one
    if exact_in:
        total = ceil_div(amount * (trade_rate + creator_rate * on_input), MILLION)
        gross_out = (amount - total) * reserve_out // (reserve_in + amount - total)
        creator = total * creator_rate // (trade_rate + creator_rate)
        if not on_input:
            creator = ceil_div(gross_out * creator_rate, MILLION)
        spent, received = amount, gross_out - (0 if on_input else creator)
    else:
        gross_out = amount if on_input else ceil_div(amount * MILLION, MILLION - creator_rate)
        net = ceil_div(reserve_in * gross_out, reserve_out - gross_out)
        spent = ceil_div(net * MILLION, MILLION - trade_rate - creator_rate * on_input)
        creator = (spent - net) * creator_rate // (trade_rate + creator_rate) if on_input else gross_out - amount
        received = amount
    fund(chain, mint_in, mint_out, 10**17)
    data = cpmm.exact_in(amount) if exact_in else cpmm.exact_out(amount, 10**17)
    outcome = chain.send(data, cpmm.metas(chain, pool, mint_in, mint_out))
    assert (outcome.error, outcome.received, outcome.spent) == (None, received, spent)
    owed = {True: chain.number(pool, 397), False: chain.number(pool, 405)}
    assert owed == {zero_for_one == on_input: creator, zero_for_one != on_input: 0}


def test_the_oracle_and_the_epoch_are_written() -> None:
    """The price before each swap counts for the seconds it stood; a new observation opens after 15 of them."""
    chain, pool = fresh()
    oracle = Pubkey.from_bytes(chain.accounts[pool][2][296:328])
    zero, one = mints(chain, pool)
    start = STATES[SOL_USDC]["unix_timestamp"]
    chain.patch(oracle, 8, bytes(len(chain.accounts[oracle][2]) - 8))
    cumulative = 0
    for seconds, elapsed, index in ((0, 0, 0), (10, 10, 0), (30, 20, 1)):
        reserve_zero, reserve_one = reserves(chain, pool)
        cumulative += (reserve_one << 32) // reserve_zero * elapsed
        clock = chain.svm.get_clock()
        clock.unix_timestamp, clock.epoch = start + seconds, 1100
        chain.svm.set_clock(clock)
        fund(chain, zero, one, AMOUNT + seconds)
        assert chain.send(cpmm.exact_in(AMOUNT + seconds), cpmm.metas(chain, pool, zero, one)).error is None
        assert chain.number(oracle, 8, 1) == 1
        assert chain.number(oracle, 9, 2) == index
        assert chain.number(oracle, 43 + 40 * index) == start + (30 if index else 0)
        assert chain.number(oracle, 43 + 40 * index + 8, 16) == cumulative
        assert chain.number(oracle, 4043) == start + seconds
    assert chain.number(pool, 381) == 1100
