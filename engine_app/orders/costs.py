"""What a swap costs its wallet beside what is swapped: fees and rents, as they stand now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.priority_fees import FeeLevel, PriorityFees
from engine_app.chain.rents import Rents
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE, WRAPPED_SOL_MINT
from engine_app.chain.transactions import MAX_COMPUTE_UNITS, SIGNATURE_LAMPORTS
from engine_app.settings import Settings

_PRICE_UNIT = 1_000_000
"""Compute-unit prices are in millionths of a lamport."""


@dataclass(frozen=True, slots=True)
class SwapCosts:
    """Lamports that one try takes of the wallet.

    Attributes:
        network_fee: for the signature, in any case.
        most_priority_fee: at most on top of it, at today's bid.
        account_rent: for the wallet's accounts of tokens received, of one in between too, which stay its own; 0 where
            it has them.
        lent_rent: for an account that lives as long as the transaction, and comes back with it.
    """

    network_fee: int
    most_priority_fee: int
    account_rent: int
    lent_rent: int


class CostsOfSwaps:
    """Tells what swaps cost, from what is polled in the background."""

    def __init__(self, rpc: Rpc, settings: Settings) -> None:
        """Nothing is asked before `start`."""
        self._rents = Rents(rpc)
        self._priority_fees = PriorityFees(
            rpc, level=FeeLevel[settings.priority_fee_level.upper()], least=settings.compute_unit_price
        )
        self._most = settings.max_priority_fee

    async def start(self) -> None:
        """Begin to poll; does not wait for the first answers."""
        await self._rents.start()
        await self._priority_fees.start()

    async def close(self) -> None:
        """Stop polling."""
        await self._priority_fees.close()
        await self._rents.close()

    async def of(self, mints: Sequence[Pubkey], pools: Sequence[Pubkey], accounts: Collection[str]) -> SwapCosts:
        """What a swap costs.

        Args:
            mints: what is paid, then what is received on the way, each once; wrapped SOL's mint stands for SOL.
            pools: through which it goes.
            accounts: the mints of which the wallet has an account.

        Raises:
            RpcUnavailable, RpcRefused: rents are not known, and no node tells.
        """
        bid = self._priority_fees.price(pools)
        rent = await self._rents.exemption(TOKEN_ACCOUNT_SIZE)
        opened = [mint for mint in mints[1:] if mint != WRAPPED_SOL_MINT and str(mint) not in accounts]
        return SwapCosts(
            network_fee=SIGNATURE_LAMPORTS,
            most_priority_fee=min(self._most, -(-bid * MAX_COMPUTE_UNITS // _PRICE_UNIT)),
            account_rent=len(opened) * rent,
            lent_rent=rent if WRAPPED_SOL_MINT in mints else 0,
        )
