"""Fills of real swaps: what is read equals what the pools quoted and what the wallet's balances say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.fills import Fill, read_fill
from engine_app.chain.token_accounts import (
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import close_wrapped_sol, create_ata_idempotent, open_wrapped_sol
from engine_app.markets.pools import Pools
from engine_app.markets.venues.venue import Dex, SwapAccounts
from tests.chain.conftest import SOL, Chain, signed_attempt, until

SOL_MINT = WRAPPED_SOL_MINT
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
USDT = Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB")


@pytest.fixture
async def pools(chain: Chain) -> AsyncIterator[Pools]:
    opened = Pools(chain.rpc, CLUSTERS["localnet"], 60)
    yield opened
    await opened.close()


@dataclass(frozen=True)
class Swapped:
    """A landed swap: what was read, what the pool had quoted, and the wallet's lamports and fee around it."""

    fill: Fill
    quoted: int
    lamports_gained: int


async def swap(
    chain: Chain, pools: Pools, wallet: Keypair, *, dex: Dex, pair: tuple[Pubkey, Pubkey], amount: int
) -> Swapped:
    """Swap through one DEX as the engine does: SOL through an account of the attempt's own."""
    owner, attempt_id = wallet.pubkey(), uuid4()
    mint_in, mint_out = pair
    snapshot = await pools.snapshot(mint_in, mint_out)
    pool = next(pool for pool in snapshot.pools if pool.dex == dex)
    quote = pool.quote_exact_in(mint_in, amount, snapshot.clock)
    rent = await chain.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)
    with_sol = SOL_MINT in (mint_in, mint_out)
    wrapped = wrapped_sol_address(owner, attempt_id)
    source, destination = (
        wrapped if mint == SOL_MINT else ata(owner, mint, TOKEN_PROGRAM) for mint in (mint_in, mint_out)
    )
    instructions: list[Instruction] = []
    if with_sol:
        instructions += open_wrapped_sol(owner, attempt_id, amount if mint_in == SOL_MINT else 0, rent)
    if mint_out != SOL_MINT:
        instructions.append(create_ata_idempotent(owner, owner, mint_out, TOKEN_PROGRAM))
    instructions.append(
        pool.swap_instruction(SwapAccounts(owner, source, destination), mint_in, amount, quote.amount_out)
    )
    if with_sol:
        instructions.append(close_wrapped_sol(owner, attempt_id))
    attempt = signed_attempt(wallet, await chain.blockhashes.latest(), *instructions)
    before = await chain.rpc.balance(owner)
    await chain.landing.submit(attempt)
    seen = await chain.watching.wait(attempt, "confirmed")
    assert seen.error is None
    landed = await chain.rpc.transaction(attempt.signature)
    assert landed is not None
    after = await chain.rpc.balance(owner)
    fill = read_fill(landed, owner=owner, mint_in=mint_in, mint_out=mint_out, wrapped_sol=wrapped if with_sol else None)
    return Swapped(fill, quote.amount_out, after - before)


async def fund(chain: Chain, wallet: Keypair, mint: Pubkey, amount: int) -> None:
    await chain.rpc.airdrop(wallet.pubkey(), amount, mint)

    async def arrived() -> bool:
        return bool((await chain.rpc.accounts([ata(wallet.pubkey(), mint, TOKEN_PROGRAM)])).accounts)

    await until(arrived, "the tokens")


@pytest.mark.parametrize("dex", list(Dex))
async def test_sol_for_a_token_into_a_new_account_and_then_into_the_same(chain: Chain, pools: Pools, dex: Dex) -> None:
    wallet = await chain.funded_wallet()
    rent = await chain.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)
    for rent_paid in (rent, 0):
        swapped = await swap(chain, pools, wallet, dex=dex, pair=(SOL_MINT, USDC), amount=1_234_567_890)
        fill = swapped.fill
        assert (fill.spent, fill.received) == (1_234_567_890, swapped.quoted)
        assert (fill.rent_paid, fill.rent_returned, fill.unexplained) == (rent_paid, 0, 0)
        assert swapped.lamports_gained == -fill.spent - fill.network_fee - fill.rent_paid
        assert fill.network_fee == 5_000 + 200
        assert 0 < fill.compute_units < 200_000


@pytest.mark.parametrize("dex", list(Dex))
async def test_a_token_for_sol(chain: Chain, pools: Pools, dex: Dex) -> None:
    wallet = await chain.funded_wallet()
    await fund(chain, wallet, USDC, 100_000_000)
    swapped = await swap(chain, pools, wallet, dex=dex, pair=(USDC, SOL_MINT), amount=77_777_777)
    fill = swapped.fill
    assert (fill.spent, fill.received) == (77_777_777, swapped.quoted)
    assert (fill.rent_paid, fill.rent_returned, fill.unexplained) == (0, 0, 0)
    assert swapped.lamports_gained == fill.received - fill.network_fee


@pytest.mark.parametrize("dex", list(Dex))
async def test_a_token_for_a_token(chain: Chain, pools: Pools, dex: Dex) -> None:
    wallet = await chain.funded_wallet(SOL)
    await fund(chain, wallet, USDC, 100_000_000)
    swapped = await swap(chain, pools, wallet, dex=dex, pair=(USDC, USDT), amount=33_333_333)
    fill = swapped.fill
    assert (fill.spent, fill.received) == (33_333_333, swapped.quoted)
    assert (fill.rent_returned, fill.unexplained) == (0, 0)
    assert swapped.lamports_gained == -fill.network_fee - fill.rent_paid
