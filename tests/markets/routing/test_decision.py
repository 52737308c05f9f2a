"""The best pool wins, and the decision tells about every pool."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.markets.routing import Decision, RefusedPool, decide
from engine_app.markets.venues.meteora_damm_v2 import DammV2Pool
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import Dex, Pool, QuoteRefused
from tests.markets.venues.vectors import load, state

SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
CLOCK = state("meteora_damm_v2", "dammv2-sol-usdc-5bp/+1800s").clock


def _pool(venue: str, label: str) -> Pool:
    found = state(venue, label)
    pool = load(venue).venue.decode(found.cases[0].pool, found.accounts)
    assert isinstance(pool, CpmmPool | DammV2Pool)
    return dataclasses.replace(pool, address=Pubkey.new_unique())


POOLS = (
    _pool("raydium_cpmm", "cpmm-sol-usdc-25bp"),
    _pool("raydium_cpmm", "cpmm-sol-usdc-25bp/traded2"),
    _pool("raydium_cpmm", "cpmm-sol-usdc-100bp/traded0"),
    _pool("raydium_cpmm", "status4"),
    _pool("meteora_damm_v2", "dammv2-sol-usdc-5bp"),
    _pool("meteora_damm_v2", "dammv2-sol-usdc-5bp/+61s"),
    _pool("meteora_damm_v2", "not-active"),
)


def _decide(pools: list[Pool], amount: int, mint_in: Pubkey = SOL) -> Decision:
    mint_out = USDC if mint_in == SOL else SOL
    return decide(pools, clock=CLOCK, mint_in=mint_in, mint_out=mint_out, amount_in=amount)


def _offer(pool: Pool, mint_in: Pubkey, amount: int) -> int:
    try:
        return pool.quote_exact_in(mint_in, amount, CLOCK).amount_out
    except QuoteRefused:
        return 0


@settings(deadline=None)
@given(
    pools=st.lists(st.sampled_from(POOLS), unique_by=id),
    amount=st.one_of(st.integers(0, 2_000), st.integers(0, 10**15)),
    mint_in=st.sampled_from((SOL, USDC)),
    data=st.data(),
)
def test_the_best_offer_wins_in_any_order(pools: list[Pool], amount: int, mint_in: Pubkey, data: st.DataObject) -> None:
    decision = _decide(pools, amount, mint_in)
    offers = {pool.address: _offer(pool, mint_in, amount) for pool in pools}
    assert (decision.best.amount_out if decision.best else 0) == max(offers.values(), default=0)
    assert {candidate.pool: candidate.amount_out for candidate in decision.candidates} == {
        pool: offer for pool, offer in offers.items() if offer
    }
    assert {refused.pool for refused in decision.refused} == {pool for pool, offer in offers.items() if not offer}
    assert _decide(data.draw(st.permutations(pools)), amount, mint_in) == decision
    for candidate in decision.candidates:
        assert 0 <= candidate.price_impact <= 1
    for dex in Dex:
        of_dex = [offers[pool.address] for pool in pools if pool.dex == dex]
        best = decision.best_of(dex)
        assert (best.amount_out if best else 0) == max(of_dex, default=0)


def test_the_stored_decision_tells_about_every_pool() -> None:
    unread = RefusedPool(Pubkey.new_unique(), "raydium_cpmm", Dex.RAYDIUM, "the vault is missing")
    decision = decide(POOLS, clock=CLOCK, mint_in=SOL, mint_out=USDC, amount_in=1_500_000_000, refused=(unread,))
    stored = decision.as_json(9, 6)
    assert json.loads(json.dumps(stored)) == stored
    told = [row["pool"] for row in (*stored["candidates"], *stored["refused"])]
    assert sorted(told) == sorted(str(key) for key in (unread.pool, *(pool.address for pool in POOLS)))
    assert stored["slot"] == CLOCK.slot

    first, *others = stored["candidates"]
    assert first["lost"] is None
    assert all(row["lost"] for row in others)
    [leg] = stored["route"]
    assert (leg["pool"], leg["share"], leg["amountInUnits"]) == (first["pool"], "1", "1500000000")
    assert leg["amountOutUnits"] == first["amountOutUnits"]

    best = decision.best
    assert best is not None
    price = Decimal(best.amount_out) / Decimal(10**6) / Decimal("1.5")
    assert Decimal(stored["dexQuotes"][best.dex]) == price.quantize(Decimal("1e-15"))
    reasons = {row["pool"]: row["reason"] for row in stored["refused"]}
    assert reasons[str(unread.pool)] == "the vault is missing"
    assert {row["dex"] for row in stored["refused"]} == {"raydium", "meteora"}
    assert "closed" in reasons[str(POOLS[3].address)]
    assert "not open yet" in reasons[str(POOLS[6].address)]


def test_the_loser_is_told_by_how_much() -> None:
    decision = _decide([POOLS[0], POOLS[2]], 10**9)
    best, other = decision.candidates
    lost = decision.as_json(9, 6)["candidates"][1]["lost"]
    share = Decimal(100 * (best.amount_out - other.amount_out)) / best.amount_out
    assert lost == f"pays {share:.4f} % less than the best"


def test_equal_offers_are_decided_by_address() -> None:
    pool = POOLS[0]
    assert isinstance(pool, CpmmPool)
    low, high = (dataclasses.replace(pool, address=Pubkey(bytes([byte]) * 32)) for byte in (1, 2))
    decision = _decide([high, low], 10**9)
    assert decision.best is not None
    assert decision.best.pool == low.address
    assert "the same" in decision.as_json(9, 6)["candidates"][1]["lost"]


def test_a_dex_without_a_pool_has_no_price() -> None:
    decision = _decide([POOLS[0]], 10**9)
    assert decision.as_json(9, 6)["dexQuotes"]["meteora"] is None
    assert decision.dex_quotes(9, 6)[Dex.METEORA] is None


def test_nothing_to_decide_is_told_too() -> None:
    empty = _decide([], 10**9)
    assert (empty.best, empty.refusals()) == (None, "")
    assert empty.as_json(9, 6)["route"] == []
    closed = _decide([POOLS[3]], 10**9)
    assert closed.best is None
    assert closed.refusals().startswith(f"{POOLS[3].address}: closed: ")


def test_an_offer_of_nothing_is_no_offer() -> None:
    # This program takes one lamport and pays nothing for it.
    decision = _decide([POOLS[4]], 1)
    assert decision.best is None
    assert "less than one unit" in decision.refusals()
