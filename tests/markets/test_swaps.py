"""What a pool is quoted to pay is what a swap on the local chain receives, to the unit."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.answers import Simulation
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import (
    TOKEN_ACCOUNT_SIZE,
    WRAPPED_SOL_MINT,
    ata,
    create_ata_idempotent,
    decode_token_account,
    open_wrapped_sol,
    wrapped_sol_address,
)
from engine_app.chain.transactions import compose, signed_bytes, unsigned_bytes
from engine_app.markets.pools import Pools
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import ErrorKind, Pool, QuoteRefused, Refusal, SwapAccounts, Venue
from tests.markets.conftest import LOCALNET

TOKENS = TokenList(LOCALNET)
PAIRS = (("SOL", "USDC"), ("SOL", "USDT"), ("SOL", "BONK"), ("USDC", "USDT"), ("BONK", "USDC"))
AMOUNTS = {"SOL": 1_234_567_891, "USDC": 98_765_432, "USDT": 56_789_012, "BONK": 4_321_098_765}
STANDING_IN = [venue for venue in venues_for(LOCALNET) if venue.name in ("raydium_cpmm", "meteora_damm_v2")]


class Taker:
    """A wallet that swaps."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.keypair = Keypair()
        self.address = self.keypair.pubkey()

    async def fund(self, mint: Pubkey, amount: int) -> None:
        """Get `amount` base units, and SOL to pay with."""
        signatures = [await self.rpc.airdrop(self.address, 10**10)]
        if mint != WRAPPED_SOL_MINT:
            signatures.append(await self.rpc.airdrop(self.address, amount, mint))
        for signature in signatures:
            await self._confirmed(signature)

    async def swap(
        self, pool: Pool, mint_in: Pubkey, amount_in: int, min_out: int
    ) -> tuple[list[Instruction], SwapAccounts]:
        """The instructions of a swap out of and into accounts of this swap's own, and those accounts."""
        rent = await self.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE)
        mint_out = next(mint for mint in pool.mints if mint != mint_in)
        before: list[Instruction] = []
        keys: list[Pubkey] = []
        for mint, lamports in ((mint_in, amount_in), (mint_out, 0)):
            if mint == WRAPPED_SOL_MINT:
                own = uuid4()
                before += open_wrapped_sol(self.address, own, lamports, rent)
                keys.append(wrapped_sol_address(self.address, own))
            else:
                before.append(create_ata_idempotent(self.address, self.address, mint, pool.token_program(mint)))
                keys.append(ata(self.address, mint, pool.token_program(mint)))
        user = SwapAccounts(self.address, *keys)
        return [*before, pool.swap_instruction(user, mint_in, amount_in, min_out)], user

    async def simulate(self, instructions: list[Instruction]) -> Simulation:
        """What the instructions would do now."""
        return await self.rpc.simulate(unsigned_bytes(await self._message(instructions)))

    async def send(self, instructions: list[Instruction]) -> None:
        """Land the instructions."""
        message = await self._message(instructions)
        signature = self.keypair.sign_message(to_bytes_versioned(message))
        await self.rpc.send(signed_bytes(message, [signature]))
        await self._confirmed(signature)

    async def balance(self, token_account: Pubkey) -> int:
        """Base units in a token account, 0 where it does not exist."""
        read = await self.rpc.accounts([token_account])
        account = read.accounts.get(token_account)
        return 0 if account is None else decode_token_account(account).amount

    async def _message(self, instructions: list[Instruction]) -> MessageV0:
        blockhash = await self.rpc.latest_blockhash()
        return compose(
            self.address,
            instructions,
            blockhash=blockhash.hash,
            compute_unit_limit=300_000,
            compute_unit_price=0,
        )

    async def _confirmed(self, signature: Signature) -> None:
        async with asyncio.timeout(20):
            while True:
                _, [status] = await self.rpc.signature_statuses([signature])
                if status is not None and status.commitment in ("confirmed", "finalized"):
                    assert status.error is None
                    return
                await asyncio.sleep(0.02)


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
