"""Quotes for people and programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from engine_app.chain.call_counts import count_calls
from engine_app.chain.rpc import Rpc
from engine_app.markets.errors import NoPool, UnknownToken
from engine_app.markets.pools import Pools
from engine_app.markets.quotes import SHARED_SECONDS, Quotes
from engine_app.markets.tokens import MAX_UNITS, TokenList, whole
from engine_app.markets.venues.venue import Dex
from tests.markets.conftest import LOCALNET

TOKENS = TokenList(LOCALNET)
SLIPPAGE = Decimal("0.01")
SOL = 10**9


@pytest.fixture
async def quotes(rpc: Rpc) -> AsyncIterator[Quotes]:
    """Quotes from `chain`, whose pools of SOL and USDC are already known."""
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    await pools.known(TOKENS.resolve("SOL").mint, TOKENS.resolve("USDC").mint)
    yield Quotes(pools, TOKENS)
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


async def test_one_call_serves_quotes_of_one_moment(quotes: Quotes) -> None:
    with count_calls() as calls:
        views = await asyncio.gather(*(quotes.quote("SOL", "USDC", SOL + size, SLIPPAGE) for size in range(10)))
        views.append(await quotes.quote("USDC", "SOL", 10**6, SLIPPAGE))
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert len({view.slot for view in views}) == 1

    await asyncio.sleep(SHARED_SECONDS)
    with count_calls() as calls:
        later = await quotes.quote("SOL", "USDC", SOL, SLIPPAGE)
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert later.slot > views[0].slot


async def test_what_cannot_be_quoted(quotes: Quotes) -> None:
    with pytest.raises(UnknownToken):
        await quotes.quote("SOL", "DOGE", SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="itself"):
        await quotes.quote("SOL", "sol", SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="no pool of"):
        await quotes.quote("BONK", "USDT", SOL, SLIPPAGE)
    with pytest.raises(NoPool, match="too small"):
        await quotes.quote("SOL", "USDC", 1, SLIPPAGE)
    with pytest.raises(NoPool) as refused:
        await quotes.quote("SOL", "USDC", MAX_UNITS + 1, SLIPPAGE)
    assert (refused.value.code, refused.value.status) == ("NO_POOL", 404)
    assert "out of range" in refused.value.detail
