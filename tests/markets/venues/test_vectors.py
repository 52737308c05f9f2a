"""Every measured swap of the two venues: the program's own integer, and a refusal where it refused."""

from __future__ import annotations

import pytest

from engine_app.markets.venues.layout import u64
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import FeeKind, QuoteRefused, Refusal, SwapQuote
from tests.markets.venues.vectors import Case, State, load

CPMM_REASONS = {
    2505: {Refusal.TOO_SMALL},
    6000: {Refusal.CLOSED, Refusal.NOT_OPEN_YET},
}
DAMM_V2_REASONS = {
    6003: {Refusal.CLOSED, Refusal.NOT_OPEN_YET},
    6006: {Refusal.TOO_SMALL},
    6015: {Refusal.OUT_OF_RANGE},
}


def _states(name: str) -> list[object]:
    return [pytest.param(state, id=state.label) for state in load(name).states]


def _answer(name: str, state: State, case: Case) -> SwapQuote | QuoteRefused:
    pool = load(name).venue.decode(case.pool, state.accounts)
    try:
        return pool.quote_exact_in(case.mint_in, case.amount_in, state.clock)
    except QuoteRefused as refusal:
        return refusal


def _check(name: str, state: State, case: Case, reasons: dict[int, set[Refusal]]) -> SwapQuote | None:
    answer = _answer(name, state, case)
    if case.error is not None:
        assert isinstance(answer, QuoteRefused), case
        assert answer.reason in reasons[case.error], case
        return None
    assert isinstance(answer, SwapQuote), (case, answer)
    assert (answer.amount_in, answer.amount_out) == (case.amount_in, case.out), case
    return answer


def _pool_fee(quote: SwapQuote) -> int:
    return sum(fee.amount for fee in quote.fees if fee.kind == FeeKind.POOL)


@pytest.mark.parametrize("state", _states("raydium_cpmm"))
def test_cpmm_pays_what_the_program_paid(state: State) -> None:
    assert state.cases
    for case in state.cases:
        quote = _check("raydium_cpmm", state, case, CPMM_REASONS)
        if quote:
            pool = load("raydium_cpmm").venue.decode(case.pool, state.accounts)
            assert isinstance(pool, CpmmPool)
            config = state.accounts[pool.config].data
            shares = {"protocol_fee": u64(config, 20), "fund_fee": u64(config, 28)}
            assert case.fees == {name: _pool_fee(quote) * share // 1_000_000 for name, share in shares.items()}


@pytest.mark.parametrize("state", _states("meteora_damm_v2"))
def test_damm_v2_pays_what_the_program_paid(state: State) -> None:
    assert state.cases
    for case in state.cases:
        quote = _check("meteora_damm_v2", state, case, DAMM_V2_REASONS)
        if quote:
            assert _pool_fee(quote) == sum(case.fees.values())


def test_the_files_are_whole() -> None:
    counts = {name: sum(len(s.cases) for s in load(name).states) for name in ("raydium_cpmm", "meteora_damm_v2")}
    assert counts == {"raydium_cpmm": 364, "meteora_damm_v2": 874}


@pytest.mark.parametrize("state", [*_states("raydium_cpmm"), *_states("meteora_damm_v2")])
def test_no_pool_pays_more_than_its_reserve(state: State) -> None:
    name = "raydium_cpmm" if state in load("raydium_cpmm").states else "meteora_damm_v2"
    for case in state.cases:
        if case.out is not None:
            pool = load(name).venue.decode(case.pool, state.accounts)
            assert case.out <= pool.reserve(case.mint_out), case
