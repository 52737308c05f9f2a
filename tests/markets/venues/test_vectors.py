"""Every measured swap: the program's own integer, and a refusal for its reason where it refused."""

from __future__ import annotations

import pytest

from engine_app.markets.check import Result, answer_to, check
from engine_app.markets.vectors import VectorFile
from engine_app.markets.venues.layout import u64
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import FeeKind, SwapQuote
from tests.markets.venues.vectors import FILES, Case, State, load

COUNTS = {
    "meteora_damm_v1": (343, 89),
    "meteora_damm_v2": (823, 51),
    "meteora_dlmm": (250, 104),
    "meteora_dlmm_v012": (204, 120),
    "raydium_amm_v4": (133, 39),
    "raydium_amm_v4_v2": (111, 39),
    "raydium_clmm": (625, 200),
    "raydium_cpmm": (250, 114),
}
"""Cases of each file in which the program paid, and in which it refused."""


def _states(*names: str) -> list[object]:
    return [pytest.param(name, state, id=f"{name}-{state.label}") for name in names for state in load(name).states]


def _quotes(name: str, state: State) -> list[tuple[Case, SwapQuote]]:
    venue = load(name).venue
    pools = [(case, venue.decode(case.pool, state.accounts_of(case))) for case in state.cases]
    answers = [(case, answer_to(pool, case, state)) for case, pool in pools]
    return [(case, answer) for case, answer in answers if isinstance(answer, SwapQuote)]


def _pool_fee(quote: SwapQuote) -> int:
    return sum(fee.amount for fee in quote.fees if fee.kind == FeeKind.POOL)


@pytest.mark.parametrize("name", FILES)
def test_every_case_is_exact_or_refused_rightly(name: str) -> None:
    vectors = load(name)
    exact, refused = COUNTS[name]
    result = check(VectorFile(name, vectors.venue.program_id, vectors.states), vectors.venue)
    assert result == Result(exact + refused, exact, refused, ())


@pytest.mark.parametrize(("name", "state"), _states("raydium_cpmm"))
def test_cpmm_keeps_the_fees_that_the_program_kept(name: str, state: State) -> None:
    for case, quote in _quotes(name, state):
        pool = load(name).venue.decode(case.pool, state.accounts)
        assert isinstance(pool, CpmmPool)
        config = state.accounts[pool.config].data
        shares = {"protocol_fee": u64(config, 20), "fund_fee": u64(config, 28)}
        assert case.fees == {kept: _pool_fee(quote) * share // 1_000_000 for kept, share in shares.items()}


@pytest.mark.parametrize(("name", "state"), _states("meteora_damm_v2"))
def test_damm_v2_keeps_the_fees_that_the_program_kept(name: str, state: State) -> None:
    for case, quote in _quotes(name, state):
        assert _pool_fee(quote) == sum(case.fees.values())


@pytest.mark.parametrize(("name", "state"), _states(*FILES))
def test_no_pool_pays_more_than_its_reserve(name: str, state: State) -> None:
    for case, quote in _quotes(name, state):
        pool = load(name).venue.decode(case.pool, state.accounts)
        assert quote.amount_out <= pool.reserve(case.mint_out), case
