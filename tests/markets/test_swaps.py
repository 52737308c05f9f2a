"""What a pool is quoted to pay is what a swap on the local chain receives, to the unit."""

from __future__ import annotations

import pytest

from engine_app.chain.rpc import Rpc
from engine_app.markets.pools import Pools
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import ErrorKind, ExactOutPool, QuoteRefused, Refusal, Venue
from tests.markets.conftest import LOCALNET
from tests.markets.taker import Taker

TOKENS = TokenList(LOCALNET)
PAIRS = (("SOL", "USDC"), ("SOL", "USDT"), ("SOL", "BONK"), ("USDC", "USDT"), ("BONK", "USDC"))
AMOUNTS = {"SOL": 1_234_567_891, "USDC": 98_765_432, "USDT": 56_789_012, "BONK": 4_321_098_765}
STANDING_IN = [venue for venue in venues_for(LOCALNET) if venue.name in ("raydium_cpmm", "meteora_damm_v2")]


@pytest.fixture
def taker(rpc: Rpc) -> Taker:
    """A wallet without anything."""
    return Taker(rpc)


@pytest.mark.parametrize(
    ("symbol_in", "symbol_out"), [*PAIRS, *(pair[::-1] for pair in PAIRS)], ids=lambda symbol: symbol
)
async def test_a_swap_pays_what_was_quoted(rpc: Rpc, taker: Taker, symbol_in: str, symbol_out: str) -> None:
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    mint_in, mint_out = TOKENS.resolve(symbol_in).mint, TOKENS.resolve(symbol_out).mint
    amount = AMOUNTS[symbol_in]
    await taker.fund(mint_in, 2 * amount)
    snapshot = await pools.snapshot(mint_in, mint_out)
    assert {pool.venue for pool in snapshot.pools} == {"raydium_cpmm", "meteora_damm_v2"}
    for pool in snapshot.pools:
        quoted = pool.quote_exact_in(mint_in, amount, snapshot.clock).amount_out
        assert quoted > 0
        instructions, user = await taker.swap(pool, mint_in, amount, min_out=quoted)
        held = await taker.balance(user.destination)
        await taker.send(instructions)
        assert await taker.balance(user.destination) - held == quoted

    # Both pools stand at another price now, and are still quoted exactly.
    moved = await pools.snapshot(mint_in, mint_out)
    for pool, before in zip(moved.pools, snapshot.pools, strict=True):
        quoted = pool.quote_exact_in(mint_in, 1_000_000, moved.clock).amount_out
        assert quoted <= before.quote_exact_in(mint_in, 1_000_000, snapshot.clock).amount_out
        await taker.fund(mint_in, 1_000_000)
        instructions, user = await taker.swap(pool, mint_in, 1_000_000, min_out=quoted)
        held = await taker.balance(user.destination)
        await taker.send(instructions)
        assert await taker.balance(user.destination) - held == quoted


@pytest.mark.parametrize("venue", STANDING_IN, ids=lambda venue: venue.name)
async def test_one_unit_more_than_quoted_is_slippage(rpc: Rpc, taker: Taker, venue: Venue) -> None:
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    mint_in, mint_out = TOKENS.resolve("SOL").mint, TOKENS.resolve("USDC").mint
    await taker.fund(mint_in, 0)
    snapshot = await pools.snapshot(mint_in, mint_out)
    [pool] = [pool for pool in snapshot.pools if pool.venue == venue.name]
    quoted = pool.quote_exact_in(mint_in, 10**9, snapshot.clock).amount_out
    instructions, _ = await taker.swap(pool, mint_in, 10**9, min_out=quoted + 1)
    simulation = await taker.simulate(instructions)
    _, reason = simulation.error["InstructionError"]
    error = venue.classify_error(reason["Custom"], simulation.logs)
    assert (error.name, error.kind) == ("ExceededSlippage", ErrorKind.SLIPPAGE)
    assert venue.classify_error(reason["Custom"], []) == error


@pytest.mark.parametrize("symbol_in", ["SOL", "USDC"])
async def test_an_exact_amount_out_costs_what_was_quoted(rpc: Rpc, taker: Taker, symbol_in: str) -> None:
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    mint_in = TOKENS.resolve(symbol_in).mint
    mint_out = TOKENS.resolve({"SOL": "USDC", "USDC": "SOL"}[symbol_in]).mint
    await taker.fund(mint_in, 10 * AMOUNTS[symbol_in])
    snapshot = await pools.snapshot(mint_in, mint_out)
    for venue in STANDING_IN:
        [pool] = [pool for pool in snapshot.pools if pool.venue == venue.name]
        assert isinstance(pool, ExactOutPool)
        wanted = pool.quote_exact_in(mint_in, AMOUNTS[symbol_in], snapshot.clock).amount_out
        quote = pool.quote_exact_out(mint_in, wanted, snapshot.clock)
        cheap, _ = await taker.swap(pool, mint_in, quote.amount_in - 1, wanted, exact_out=True)
        simulation = await taker.simulate(cheap)
        _, reason = simulation.error["InstructionError"]
        assert venue.classify_error(reason["Custom"], simulation.logs).kind == ErrorKind.SLIPPAGE
        # More is offered than it takes: what is not needed stays in the account that pays.
        instructions, user = await taker.swap(pool, mint_in, 2 * quote.amount_in, wanted, exact_out=True)
        given = 2 * quote.amount_in if symbol_in == "SOL" else await taker.balance(user.source)
        held = await taker.balance(user.destination)
        await taker.send(instructions)
        assert await taker.balance(user.destination) - held == wanted
        assert given - await taker.balance(user.source) == quote.amount_in


async def test_an_amount_that_is_refused_is_refused_by_the_program(rpc: Rpc, taker: Taker) -> None:
    pools = Pools(rpc, LOCALNET, refresh_seconds=3600)
    mint_in, mint_out = TOKENS.resolve("SOL").mint, TOKENS.resolve("USDC").mint
    await taker.fund(mint_in, 0)
    snapshot = await pools.snapshot(mint_in, mint_out)
    [cpmm] = [pool for pool in snapshot.pools if pool.venue == "raydium_cpmm"]
    with pytest.raises(QuoteRefused) as refused:
        cpmm.quote_exact_in(mint_in, 1, snapshot.clock)
    assert refused.value.reason == Refusal.TOO_SMALL
    instructions, _ = await taker.swap(cpmm, mint_in, 1, min_out=0)
    simulation = await taker.simulate(instructions)
    _, reason = simulation.error["InstructionError"]
    [venue] = [venue for venue in venues_for(LOCALNET) if venue.name == "raydium_cpmm"]
    assert venue.classify_error(reason["Custom"], simulation.logs).kind == ErrorKind.TOO_SMALL
