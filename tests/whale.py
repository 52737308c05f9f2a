"""Somebody else who trades on the local chain, and moves its pools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE, WRAPPED_SOL_MINT
from engine_app.chain.transactions import compose
from engine_app.markets.pools import Pools
from engine_app.markets.routing import Leg, Terms, decide
from engine_app.markets.routing.plan import SwapPlan, swap_instructions
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.venue import Pool, SwapQuote
from tests.waiting import until

CLUSTER = CLUSTERS["localnet"]
TOKENS = TokenList(CLUSTER)
FRONT_OF_THE_SLOT = 10_000_000
"""Micro-lamports per compute unit: above the engine's own, so that the whale's transaction runs first."""


class Whale:
    """A wallet with plenty of SOL and of every token."""

    def __init__(self, rpc: Rpc, pools: Pools, keypair: Keypair) -> None:
        self.rpc = rpc
        self.pools = pools
        self.keypair = keypair

    @property
    def address(self) -> Pubkey:
        """Where it trades from."""
        return self.keypair.pubkey()

    async def move(self, token_in: str, token_out: str, amount_in: int) -> list[VersionedTransaction]:
        """Sell into every pool of the pair and return as soon as the new price is seen at `processed`; what was
        sent."""
        snapshot = await self.pools.snapshot(TOKENS.resolve(token_in).mint, TOKENS.resolve(token_out).mint)
        return await self.processed([await self.swap(pool, token_in, token_out, amount_in) for pool in snapshot.pools])

    async def processed(self, sent: list[VersionedTransaction]) -> list[VersionedTransaction]:
        """What was sent, once all of it is in a block."""

        async def seen() -> bool:
            return None not in await self.commitments(sent)

        await until(seen)
        return sent

    async def commitments(self, sent: Sequence[VersionedTransaction]) -> list[str | None]:
        """How far the chain is with what was sent, all of which succeeds; None where it is not seen yet."""
        _, statuses = await self.rpc.signature_statuses([transaction.signatures[0] for transaction in sent])
        failed = [status.error for status in statuses if status is not None and status.error is not None]
        assert not failed, failed
        return [None if status is None else status.commitment for status in statuses]

    async def pool(self, token_in: str, token_out: str, amount_in: int) -> Pool:
        """The pool that an order of this amount (base units) would choose now."""
        mint_in, mint_out = TOKENS.resolve(token_in).mint, TOKENS.resolve(token_out).mint
        snapshot = await self.pools.snapshot(mint_in, mint_out)
        best = decide(
            snapshot.pools, clock=snapshot.clock, mint_in=mint_in, mint_out=mint_out, amount_in=amount_in
        ).best
        assert best is not None
        return next(pool for pool in snapshot.pools if pool.address == best.pool)

    async def swap(self, pool: Pool, token_in: str, token_out: str, amount_in: int) -> VersionedTransaction:
        """Send a swap at the front of its slot, whatever it pays; not yet landed when this returns."""
        transaction = await self.signed_swap(pool, token_in, token_out, amount_in)
        await self.rpc.send(bytes(transaction))
        return transaction

    async def signed_swap(self, pool: Pool, token_in: str, token_out: str, amount_in: int) -> VersionedTransaction:
        """A swap ready to be sent."""
        mint_in, mint_out = TOKENS.resolve(token_in).mint, TOKENS.resolve(token_out).mint
        plan = SwapPlan(
            owner=self.address,
            attempt_id=uuid4(),
            terms=(Terms(Leg(pool, mint_in, mint_out, SwapQuote(amount_in, 1, (), (1, 1))), amount_in, 1),),
            amount_in=amount_in,
            token_account_rent=await self.rpc.rent_exemption(TOKEN_ACCOUNT_SIZE),
            opens=() if mint_out == WRAPPED_SOL_MINT else (mint_out,),
        )
        message = compose(
            self.address,
            swap_instructions(plan),
            blockhash=(await self.rpc.latest_blockhash()).hash,
            compute_unit_limit=200_000,
            compute_unit_price=FRONT_OF_THE_SLOT,
        )
        return VersionedTransaction(message, [self.keypair])

    async def landed(self, transaction: VersionedTransaction) -> int:
        """Wait until it is confirmed; its slot."""

        async def status() -> int | None:
            _, (found,) = await self.rpc.signature_statuses([transaction.signatures[0]])
            if found is None or found.commitment == "processed":
                return None
            assert found.error is None, found.error
            return found.slot

        return await until(status)


@asynccontextmanager
async def whale(rpc_url: str, *, sol: int = 200_000) -> AsyncIterator[Whale]:
    """A whale with `sol` SOL and 50 million USDC, USDT, and 10¹² BONK."""
    rpc = Rpc([rpc_url], CLUSTER)
    await rpc.start()
    pools = Pools(rpc, CLUSTER, refresh_seconds=3600)
    made = Whale(rpc, pools, Keypair())
    await rpc.airdrop(made.address, sol * 10**9)
    for symbol, whole in (("USDC", 50_000_000), ("USDT", 50_000_000), ("BONK", 10**12)):
        token = TOKENS.resolve(symbol)
        await rpc.airdrop(made.address, whole * 10**token.decimals, token.mint)

    async def funded() -> bool:
        return len(await rpc.token_accounts_by_owner(made.address)) == 3

    await until(funded)
    try:
        yield made
    finally:
        await pools.close()
        await rpc.close()
