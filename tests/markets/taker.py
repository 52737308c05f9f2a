"""A wallet that swaps in one pool, for tests that compare what it receives with what was quoted."""

from __future__ import annotations

import asyncio
from uuid import uuid4

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
    decode_token_account,
    wrapped_sol_address,
)
from engine_app.chain.token_instructions import create_ata_idempotent, open_wrapped_sol
from engine_app.chain.transactions import MAX_COMPUTE_UNITS, compose, signed_bytes, unsigned_bytes
from engine_app.markets.venues.venue import ExactOutPool, Pool, SwapAccounts


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
        self, pool: Pool, mint_in: Pubkey, amount_in: int, min_out: int, *, exact_out: bool = False
    ) -> tuple[list[Instruction], SwapAccounts]:
        """The instructions of a swap out of and into accounts of this swap's own, and those accounts.

        With `exact_out` it buys exactly `min_out` for at most `amount_in`.
        """
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
        if not exact_out:
            return [*before, pool.swap_instruction(user, mint_in, amount_in, min_out)], user
        assert isinstance(pool, ExactOutPool)
        return [*before, pool.swap_exact_out_instruction(user, mint_in, amount_in, min_out)], user

    async def simulate(self, instructions: list[Instruction]) -> Simulation:
        """What the instructions would do now, within all the compute units there are."""
        return await self.rpc.simulate(unsigned_bytes(await self._message(instructions)))

    async def send(self, instructions: list[Instruction], compute_unit_limit: int = 300_000) -> Signature:
        """Land the instructions."""
        message = await self._message(instructions, compute_unit_limit)
        signature = self.keypair.sign_message(to_bytes_versioned(message))
        await self.rpc.send(signed_bytes(message, [signature]))
        await self._confirmed(signature)
        return signature

    async def balance(self, token_account: Pubkey) -> int:
        """Base units in a token account, 0 where it does not exist."""
        read = await self.rpc.accounts([token_account])
        account = read.accounts.get(token_account)
        return 0 if account is None else decode_token_account(account).amount

    async def _message(self, instructions: list[Instruction], compute_unit_limit: int = MAX_COMPUTE_UNITS) -> MessageV0:
        blockhash = await self.rpc.latest_blockhash()
        return compose(
            self.address,
            instructions,
            blockhash=blockhash.hash,
            compute_unit_limit=compute_unit_limit,
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
