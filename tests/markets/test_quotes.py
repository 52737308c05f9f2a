"""Quotes for people and programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from engine_app.chain.call_counts import count_calls
from engine_app.chain.lookup_tables import LookupTables
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet
from engine_app.markets.errors import NoPool, SearchNeedsLogin, UnknownToken
from engine_app.markets.pools import Pools
from engine_app.markets.quotes import Quotes
from engine_app.markets.tokens import MAX_UNITS, TokenList, TokenLookup, TokenWarning, whole
from engine_app.markets.venues.venue import Dex
from tests.chaos.pools import shares
from tests.markets.conftest import LOCALNET, next_slots, put
from tests.markets.venues.vectors import state

TOKENS = TokenList(LOCALNET)
SLIPPAGE = Decimal("0.01")
SOL = 10**9
TEXTBOOK_SLOT_SECONDS = 0.41
"""A little more than the slot that is assumed until enough of them were seen."""


@dataclass
class Clock:
    """The quotes' clock, which stands still between a test's own steps."""

    now: float = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the quotes take for the time."""
    made = Clock()
    monkeypatch.setattr("engine_app.markets.quotes.monotonic", made)
    return made


@pytest.fixture
async def quotes(rpc: Rpc) -> AsyncIterator[Quotes]:
    """Quotes from `chain`, whose pools of SOL and USDC are already known."""
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    await pools.known(TOKENS.resolve("SOL").mint, TOKENS.resolve("USDC").mint)
    yield Quotes(pools, TokenLookup(TOKENS, rpc, allow_unlisted=True), LookupTables(rpc, []), leg_lamports=100)
    await pools.close()


async def test_a_quote_names_the_best_of_both(quotes: Quotes) -> None:
    view = await quotes.quote("SOL", "usdc", 3 * SOL // 2, SLIPPAGE)
    assert (view.token_in.symbol, view.token_out.symbol, view.amount_in) == ("SOL", "USDC", 1_500_000_000)
    assert view.min_out == view.amount_out * 99 // 100
    prices = view.dex_quotes
    assert set(prices) == set(Dex)
    assert all(price is not None for price in prices.values())
    assert view.selected_dex == max(prices, key=lambda dex: prices[dex] or 0)
    best = prices[view.selected_dex]
    assert best is not None
    assert best * Decimal("1.5") == whole(view.amount_out, 6)
    assert view.decision.best is not None
    assert view.decision.best.amount_out == view.amount_out
    assert 0 < view.price_impact < Decimal("0.05")
    assert view.slot > 0


async def test_the_best_venue_depends_on_pair_side_and_size(quotes: Quotes) -> None:
    asked = [
        ("SOL", "USDC", SOL), ("USDC", "SOL", 10**8), ("SOL", "USDT", SOL), ("SOL", "BONK", SOL),
        ("USDC", "USDT", 10**9), ("BONK", "USDC", 10**10), ("SOL", "USDC", 10_000 * SOL),
    ]  # fmt: skip
    selected = {(await quotes.quote(paid, got, amount, SLIPPAGE)).selected_dex for paid, got, amount in asked}
    assert selected == set(Dex)


async def test_one_call_serves_quotes_of_one_moment(quotes: Quotes, clock: Clock, chain: Localnet) -> None:
    await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    clock.now += TEXTBOOK_SLOT_SECONDS
    with count_calls() as calls:
        views = await asyncio.gather(*(quotes.quote("SOL", "USDC", SOL + size, SLIPPAGE) for size in range(10)))
        views.append(await quotes.quote("USDC", "SOL", 10**6, SLIPPAGE))
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert len({view.slot for view in views}) == 1

    clock.now += TEXTBOOK_SLOT_SECONDS
    await next_slots(chain, 2)
    with count_calls() as calls:
        later = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert later.slot > views[0].slot


async def test_what_is_asked_again_within_a_slot_is_decided_once(quotes: Quotes, clock: Clock) -> None:
    asked = [(SOL, SLIPPAGE), (SOL, SLIPPAGE), (SOL + 1, SLIPPAGE), (SOL, Decimal("0.02"))]
    first, again, more, looser = await asyncio.gather(
        *(quotes.quote("SOL", "USDC", amount, slippage) for amount, slippage in asked)
    )
    assert len({view.slot for view in (first, again, more, looser)}) == 1
    assert again.decision is first.decision
    assert more.decision is not first.decision
    assert looser.decision is not first.decision
    assert looser.min_out < first.min_out


async def test_a_quote_tells_how_old_it_is_and_is_kept_for_a_slot_of_the_chain(
    quotes: Quotes, clock: Clock, chain: Localnet
) -> None:
    first = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    clock.now += 0.39
    await next_slots(chain, 2)
    kept = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    assert kept.slot == first.slot
    assert first.age.seconds == 0
    assert kept.age.seconds == pytest.approx(0.39)
    assert kept.last_search is not None
    assert kept.last_search.without == frozenset()
    for _ in range(8):
        clock.now += TEXTBOOK_SLOT_SECONDS
        await next_slots(chain, 8)
        before = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    # Enough slots were seen to know that they take 50 ms here.
    clock.now += 0.07
    await next_slots(chain, 2)
    after = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    assert after.slot > before.slot
    assert after.age.seconds == 0


async def test_a_stranger_is_quoted_what_is_known_and_nothing_is_looked_for(quotes: Quotes, chain: Localnet) -> None:
    assert (await quotes.quote("SOL", "USDC", SOL, SLIPPAGE, discover=False)).amount_out
    searches = chain.endpoint.node.calls["getProgramAccounts"]
    for pair in (("SOL", "BONK"), ("SOL", "11111111111111111111111111111112")):
        with pytest.raises(SearchNeedsLogin):
            await quotes.quote(*pair, SOL, SLIPPAGE, discover=False)
    assert chain.endpoint.node.calls["getProgramAccounts"] == searches


async def test_any_mint_can_be_quoted_and_carries_its_warnings(quotes: Quotes, chain: Localnet) -> None:
    measured = state("raydium_cpmm", "cpmm-tfee-token2022/traded0")
    case = measured.cases[0]
    mint = case.mint_in if case.mint_in != TOKENS.resolve("SOL").mint else case.mint_out
    await put(chain, {key: account for key, account in measured.accounts.items() if key != TOKENS.resolve("SOL").mint})
    view = await quotes.quote("SOL", str(mint), SOL, SLIPPAGE)
    assert view.token_out.symbol == str(mint)
    assert {TokenWarning.UNLISTED, TokenWarning.TRANSFER_FEE} <= set(view.token_out.warnings)
    assert view.token_in.warnings == ()
    assert view.decision.best is not None
    assert view.decision.best.pool == case.pool


async def test_a_pair_without_a_pool_is_quoted_over_a_third_token(quotes: Quotes) -> None:
    view = await quotes.quote("BONK", "USDT", 10**10, SLIPPAGE)
    assert [leg.mint_out for leg in view.route.legs[-1:]] == [TOKENS.resolve("USDT").mint]
    assert len(view.route.hops) == 2
    assert view.amount_out == view.route.amount_out > 0


async def test_a_large_amount_is_quoted_over_several_pools(quotes: Quotes) -> None:
    view = await quotes.quote("SOL", "USDC", 300 * SOL, SLIPPAGE)
    assert {leg.pool.dex for leg in view.route.legs} == set(Dex)
    assert view.decision.best is not None
    assert view.amount_out > view.decision.best.amount_out


async def test_what_cannot_be_quoted(quotes: Quotes) -> None:
    with pytest.raises(UnknownToken):
        await quotes.quote("SOL", "DOGE", SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="itself"):
        await quotes.quote("SOL", "sol", SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="no pool of"):
        await quotes.quote("SOL", shares(), SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="too small"):
        await quotes.quote("SOL", "USDC", 1, SLIPPAGE)
    with pytest.raises(NoPool) as refused:
        await quotes.quote("SOL", "USDC", MAX_UNITS + 1, SLIPPAGE)
    assert (refused.value.code, refused.value.status) == ("NO_POOL", 404)
    assert "out of range" in refused.value.detail
