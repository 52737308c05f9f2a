"""The best pool wins, and the decision tells about every pool."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT as SOL
from engine_app.markets.routing import Decision, RefusedPool, decide, floor_out, leg_terms
from engine_app.markets.routing.ways import WayKind
from engine_app.markets.venues.meteora_damm_v2 import DammV2Pool
from engine_app.markets.venues.raydium_cpmm import CpmmPool
from engine_app.markets.venues.venue import Dex, Pool, QuoteRefused
from tests.markets.routing.measured import BONK, CLOCK, USDC, USDT, pools_of
from tests.markets.venues.vectors import load, state


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


KNOWN = {pair: pools_of(*pair) for pair in ((SOL, USDC), (SOL, BONK), (BONK, USDC), (SOL, USDT), (USDC, USDT))}
HUBS = (SOL, USDC, USDT)
SLIPPAGE = Decimal("0.01")


def _route(pools: Sequence[Pool], pair: tuple[Pubkey, Pubkey], amount: int, **limits: Any) -> Decision:
    asked: dict[str, Any] = {"slippage": SLIPPAGE, "max_legs": 3, "hubs": HUBS} | limits
    return decide(pools, clock=CLOCK, mint_in=pair[0], mint_out=pair[1], amount_in=amount, **asked)


@st.composite
def _markets(draw: st.DrawFn) -> list[Pool]:
    """A few pools of each pair, of some pairs none."""
    return [
        pool
        for pools in KNOWN.values()
        for pool in draw(st.lists(st.sampled_from(pools), max_size=3, unique_by=lambda pool: pool.address))
    ]


@settings(max_examples=60)
@given(
    pools=_markets(),
    pair=st.permutations((SOL, USDC, BONK, USDT)).map(lambda mints: (mints[0], mints[1])),
    amount=st.builds(lambda digits, lead: lead * 10**digits, st.integers(0, 12), st.integers(1, 999)),
    leg_lamports=st.sampled_from((0, 5_000)),
    data=st.data(),
)
def test_a_route_is_sure_of_what_it_says(
    pools: list[Pool], pair: tuple[Pubkey, Pubkey], amount: int, leg_lamports: int, data: st.DataObject
) -> None:
    decision = _route(pools, pair, amount, leg_lamports=leg_lamports)
    shuffled = data.draw(st.permutations(pools))
    assert _route(shuffled, pair, amount, leg_lamports=leg_lamports) == decision
    told = decision.as_json(6, 6)
    assert json.loads(json.dumps(told)) == told
    assert [way.net_out for way in decision.ways] == sorted((way.net_out for way in decision.ways), reverse=True)
    if decision.route is None:
        assert decision.best is None
        assert told["route"] == []
        return
    route = decision.route
    best = 0 if decision.best is None else decision.best.amount_out
    assert route.amount_out >= best
    assert not best or route.amount_out >= best + decision.leg_cost * (len(route.legs) - 1)
    assert len(route.legs) <= 3
    for before, after in pairwise(route.hops):
        assert sum(leg.amount_out for leg in before) >= sum(leg.amount_in for leg in after)
    assert sum(leg.amount_in for leg in route.hops[0]) <= amount
    assert sum(leg.amount_in for leg in route.hops[0]) == amount or route.hops[0][0].exact_out
    assert route.hops[0][0].mint_in == pair[0]
    assert route.hops[-1][0].mint_out == pair[1]
    for leg in route.legs:
        assert set(leg.pool.mints) == {leg.mint_in, leg.mint_out}

    floor = floor_out(route.amount_out, SLIPPAGE)
    terms = leg_terms(route, SLIPPAGE, floor)
    ending = terms[-len(route.hops[-1]) :]
    assert [term.leg for term in terms] == list(route.legs)
    assert sum(term.amount_out for term in ending) >= floor
    assert all(term.amount_out <= term.leg.amount_out for term in terms)

    assert (told["amountOutUnits"], told["bestPoolUnits"]) == (str(route.amount_out), str(best))
    assert int(told["gainUnits"]) == route.amount_out - best
    assert len(told["route"]) == len(route.legs)
    for number, hop in enumerate(route.hops, start=1):
        legs = [leg for leg in told["route"] if leg["hop"] == number]
        shares = sum((Decimal(leg["share"]) for leg in legs), Decimal(0))
        assert abs(shares - 1) < Decimal("1e-8")
        assert sum(int(leg["amountOutUnits"]) for leg in legs) == sum(leg.amount_out for leg in hop)
    assert all(other["lost"] for other in told["alternatives"])
    in_route = {leg["pool"] for leg in told["route"]}
    assert all((row["lost"] is None) == (row["pool"] in in_route) for row in told["candidates"])


def test_one_leg_is_all_there_is_unless_more_are_allowed() -> None:
    pools = [pool for pools in KNOWN.values() for pool in pools]
    decision = decide(pools, clock=CLOCK, mint_in=SOL, mint_out=USDC, amount_in=10**12)
    assert decision.best is not None
    assert decision.route is not None
    [leg] = decision.route.legs
    assert (leg.pool.address, leg.amount_out) == (decision.best.pool, decision.best.amount_out)
    assert len(decision.ways) == 1


def test_a_leg_has_to_pay_its_network_fee() -> None:
    pools = (POOLS[0], POOLS[4])
    free = _route(pools, (SOL, USDC), 10**11, hubs=())
    assert free.way is not None
    assert free.way.kind is WayKind.SPLIT
    gain = int(free.as_json(9, 6)["gainUnits"])
    dear = _route(pools, (SOL, USDC), 10**11, hubs=(), leg_lamports=10**12)
    assert dear.leg_cost > gain
    assert dear.way is not None
    assert (dear.way.kind, len(dear.ways)) == (WayKind.POOL, 1)
    back = _route(pools, (USDC, SOL), 10**11, hubs=(), leg_lamports=7_000)
    assert back.leg_cost == 7_000
    assert _route(KNOWN[USDC, USDT], (USDC, USDT), 10**9, leg_lamports=7_000).leg_cost == 0


def test_two_hops_where_there_is_no_pool_of_the_pair() -> None:
    pools = [*KNOWN[SOL, BONK], *KNOWN[SOL, USDT]]
    decision = _route(pools, (BONK, USDT), 10**11)
    assert decision.best is None
    assert decision.way is not None
    assert (decision.way.kind, decision.way.between) == (WayKind.TWO_HOPS, SOL)
    told = decision.as_json(5, 6)
    assert [leg["hop"] for leg in told["route"]] == sorted(leg["hop"] for leg in told["route"])
    assert told["leftOver"]["mint"] in {str(BONK), str(SOL)}
    assert int(told["leftOver"]["expectedUnits"]) <= int(told["leftOver"]["atMostUnits"])
    assert told["bestPoolUnits"] == "0"
    assert 0 < Decimal(told["priceImpact"]) < 1


def test_two_hops_where_they_pay_more_than_the_pair_itself() -> None:
    poor = min(KNOWN[BONK, USDC], key=lambda pool: pool.quote_exact_in(BONK, 10**9, CLOCK).amount_out)
    rich = [*KNOWN[SOL, BONK], *KNOWN[SOL, USDC]]
    decision = _route([poor, *rich], (BONK, USDC), 10**9)
    assert decision.way is not None
    assert decision.way.kind is WayKind.TWO_HOPS
    assert decision.best is not None
    told = decision.as_json(5, 6)
    assert int(told["gainUnits"]) > 0
    [alone] = told["candidates"]
    assert "less than the route" in alone["lost"]
    direct = next(other for other in told["alternatives"] if other["kind"] == "pool")
    assert "less than" in direct["lost"]


def _off_the_market() -> Pool:
    """A pool that holds next to nothing of SOL, and so much USDC that for 1 SOL it pays a little more than others."""
    pool = POOLS[0]
    assert isinstance(pool, CpmmPool)
    paid = POOLS[4].quote_exact_in(SOL, 10**9, CLOCK).amount_out
    sides = {
        side.mint: dataclasses.replace(side, reserve=10**6 if side.mint == SOL else paid * 102 // 100)
        for side in (pool.side_0, pool.side_1)
    }
    return dataclasses.replace(
        pool, address=Pubkey.new_unique(), side_0=sides[pool.side_0.mint], side_1=sides[pool.side_1.mint]
    )


def test_a_pool_far_off_the_market_does_not_keep_an_order_from_trading() -> None:
    odd = _off_the_market()
    assert _decide([odd, POOLS[4]], 10**9).way == _decide([odd], 10**9).way
    decision = decide(
        [odd, POOLS[4]], clock=CLOCK, mint_in=SOL, mint_out=USDC, amount_in=10**9, max_price_impact=Decimal("0.05")
    )
    assert decision.best is not None
    assert decision.best.pool == odd.address
    assert decision.route is not None
    assert [leg.pool.address for leg in decision.route.legs] == [POOLS[4].address]
    told = decision.as_json(9, 6)
    assert [row["lost"] is None for row in told["candidates"]] == [False, True]
    assert "more than is allowed" in told["candidates"][0]["lost"]
    assert int(told["gainUnits"]) < 0

    divided = _route([odd, POOLS[4]], (SOL, USDC), 10**9, hubs=(), max_price_impact=Decimal("0.05"))
    assert [way.too_steep for way in divided.ways] == [False, True]
    assert "more than is allowed" in divided.as_json(9, 6)["alternatives"][0]["lost"]


def test_what_moves_prices_too_much_is_still_told_where_there_is_nothing_else() -> None:
    odd = _off_the_market()
    decision = _route([odd], (SOL, USDC), 10**9, hubs=(), max_price_impact=Decimal("0.05"))
    assert decision.way is not None
    assert decision.way.too_steep
