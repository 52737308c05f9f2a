"""What others have sent to a wallet, read from the chain, which is the only book of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.answers import NamingTransaction
from engine_app.chain.arrivals import arrivals
from engine_app.chain.landed import LandedTransaction
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT, ata
from engine_app.markets.tokens import TokenList, whole
from engine_app.wallets.balances import Wallets

MOST_ACCOUNTS = 24
"""Accounts of one wallet whose transactions are looked through."""
MOST_KEPT = 4_096

Own = Callable[[Pubkey, Collection[str]], Awaitable[Collection[str]]]
"""Tells which of these signatures (base58) are of transactions that the engine made for a wallet."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Tokens that a transaction of somebody else's brought to a wallet.

    Attributes:
        signature: the transaction, base58.
        slot: the slot it landed in.
        at: the time of its block, None where the node does not know.
        sender: who paid for the transaction.
        token: the token's symbol, or its mint where it has none here.
        mint: its mint; wrapped SOL's for SOL.
        amount, amount_units: what arrived, whole tokens and base units.
    """

    signature: str
    slot: int
    at: datetime | None
    sender: str
    token: str
    mint: str
    amount: Decimal
    amount_units: int


class Deposits:
    """The deposits of all users. What a transaction brought is read once and remembered."""

    def __init__(self, rpc: Rpc, wallets: Wallets, tokens: TokenList, own: Own) -> None:
        self._rpc = rpc
        self._wallets = wallets
        self._tokens = tokens
        self._own = own
        self._read: OrderedDict[tuple[Pubkey, Signature], tuple[Deposit, ...]] = OrderedDict()

    async def recent(self, user_id: int, limit: int) -> list[Deposit]:
        """A user's newest deposits, those of at most the last `limit` transactions of each of his accounts.

        Raises:
            RpcUnavailable, RpcRefused: no node tells.
        """
        owner = await self._wallets.address(user_id)
        held = await self._rpc.token_accounts_by_owner(owner)
        accounts = [
            address
            for address, account in held
            if account.mint != WRAPPED_SOL_MINT and address == ata(owner, account.mint, account.token_program)
        ]
        named = await self.naming([owner, *accounts], limit)
        brought = await self.brought(owner, named[:limit])
        return [deposit for deposits in brought.values() for deposit in deposits][:limit]

    async def naming(self, accounts: Sequence[Pubkey], limit: int) -> list[NamingTransaction]:
        """The newest transactions that name any of the accounts (of at most `MOST_ACCOUNTS`), each once, the newest
        first. Raises RpcUnavailable, RpcRefused."""
        found = await asyncio.gather(
            *(
                self._rpc.signatures_for_address(account, "confirmed", limit=limit)
                for account in accounts[:MOST_ACCOUNTS]
            )
        )
        unique = {naming.signature: naming for each in found for naming in each}
        return sorted(unique.values(), key=lambda naming: naming.slot, reverse=True)

    async def brought(self, owner: Pubkey, named: Iterable[NamingTransaction]) -> dict[Signature, tuple[Deposit, ...]]:
        """What each of these transactions brought, in their order; most brought nothing. One whose details no node
        gives yet is missing.

        Raises:
            RpcUnavailable, RpcRefused: no node tells.
        """
        wanted = [naming.signature for naming in named if naming.error is None]
        unread = [signature for signature in wanted if (owner, signature) not in self._read]
        if unread:
            own = await self._own(owner, [str(signature) for signature in unread])
            foreign = [signature for signature in unread if str(signature) not in own]
            transactions = await asyncio.gather(*map(self._rpc.transaction, foreign))
            self._keep(owner, {signature: () for signature in unread if str(signature) in own})
            self._keep(
                owner,
                {
                    signature: await self._of(owner, tx)
                    for signature, tx in zip(foreign, transactions, strict=True)
                    if tx is not None
                },
            )
        return {signature: self._read[owner, signature] for signature in wanted if (owner, signature) in self._read}

    async def _of(self, owner: Pubkey, tx: LandedTransaction) -> tuple[Deposit, ...]:
        brought = arrivals(tx, owner)
        decimals = await self._wallets.decimals_of({arrival.mint for arrival in brought})
        return tuple(
            Deposit(
                signature=str(tx.signature),
                slot=tx.slot,
                at=None if tx.block_time is None else datetime.fromtimestamp(tx.block_time, UTC),
                sender=str(tx.signers[0]),
                token=self._tokens.symbol(str(arrival.mint)),
                mint=str(arrival.mint),
                amount=whole(arrival.units, decimals[arrival.mint]),
                amount_units=arrival.units,
            )
            for arrival in brought
            if arrival.mint in decimals
        )

    def _keep(self, owner: Pubkey, read: Mapping[Signature, tuple[Deposit, ...]]) -> None:
        self._read |= {(owner, signature): deposits for signature, deposits in read.items()}
        while len(self._read) > MOST_KEPT:
            self._read.popitem(last=False)
