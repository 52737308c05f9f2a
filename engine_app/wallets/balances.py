"""What a wallet holds, and how much of it no open order has reserved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT, ata, decode_mint
from engine_app.markets.tokens import Token, TokenList, whole
from engine_app.storage.postgres import Database
from engine_app.wallets import repository

SOL_DECIMALS = 9

Reserved = Callable[[int], Awaitable[Mapping[str, int]]]
"""Gives what a user's open orders hold: base units by mint, lamports under wrapped SOL's mint."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One token of a wallet.

    Attributes:
        token: its symbol, or its mint where it has none here.
        mint: its mint; wrapped SOL's for SOL.
        amount, amount_units: all that the wallet holds, whole tokens and base units.
        available, available_units: the part that no open order has reserved.
    """

    token: str
    mint: str
    amount: Decimal
    amount_units: int
    available: Decimal
    available_units: int


@dataclass(frozen=True, slots=True)
class WalletView:
    """A trading address and its balances: SOL always and first, others where not zero, by symbol.

    `accounts` are the mints of which it has a token account to trade from, the empty ones too. The nodes that were read
    had all reached `slot`.
    """

    slot: int
    address: str
    balances: tuple[Balance, ...]
    accounts: frozenset[str]


class Wallets:
    """The wallets of all users, as the web process shows them."""

    def __init__(self, database: Database, rpc: Rpc, tokens: TokenList, reserved: Reserved) -> None:
        self._database = database
        self._rpc = rpc
        self._tokens = tokens
        self._reserved = reserved
        self._decimals: dict[Pubkey, int] = {token.mint: token.decimals for token in tokens.all()}

    async def address(self, user_id: int) -> Pubkey:
        """The user's trading address."""
        async with self._database.transaction() as session:
            wallet = await repository.wallet_of_user(session, user_id)
        return Pubkey.from_string(wallet.address)

    async def balance(self, user_id: int, token: Token) -> Balance:
        """What the user's address holds of one token. Raises as `view`."""
        held = (await self.view(user_id)).balances
        nothing = self._balance(token.mint, 0, token.decimals, {})
        return next((balance for balance in held if balance.mint == str(token.mint)), nothing)

    async def view(self, user_id: int) -> WalletView:
        """What the user's address holds at `confirmed`.

        Tokens count where the engine trades them from: in the address's associated token accounts. Wrapped SOL in
        the user's own account is not SOL that an order can spend, so it is left out.

        Raises:
            RpcUnavailable, RpcRefused: no node tells.
        """
        owner = await self.address(user_id)
        read, (slot, accounts), reserved = await asyncio.gather(
            self._rpc.accounts([owner]), self._rpc.token_accounts_at(owner), self._reserved(user_id)
        )
        wallet = read.accounts.get(owner)
        own = [
            account
            for address, account in accounts
            if account.mint != WRAPPED_SOL_MINT and address == ata(owner, account.mint, account.token_program)
        ]
        held = {account.mint: account.amount for account in own if account.amount}
        decimals = await self.decimals_of(set(held))
        tokens = [self._balance(mint, held[mint], decimals[mint], reserved) for mint in held if mint in decimals]
        sol = self._balance(WRAPPED_SOL_MINT, 0 if wallet is None else wallet.lamports, SOL_DECIMALS, reserved)
        return WalletView(
            min(read.slot, slot),
            str(owner),
            (sol, *sorted(tokens, key=lambda balance: (balance.token, balance.mint))),
            frozenset(str(account.mint) for account in own),
        )

    def _balance(self, mint: Pubkey, units: int, decimals: int, reserved: Mapping[str, int]) -> Balance:
        available = max(0, units - reserved.get(str(mint), 0))
        return Balance(
            token=self._tokens.symbol(str(mint)),
            mint=str(mint),
            amount=whole(units, decimals),
            amount_units=units,
            available=whole(available, decimals),
            available_units=available,
        )

    async def decimals_of(self, mints: set[Pubkey]) -> dict[Pubkey, int]:
        """The decimals of the mints, read once each; a mint that cannot be read is missing. Raises as `view`."""
        unknown = [mint for mint in mints if mint not in self._decimals]
        if unknown:
            read = await self._rpc.accounts(unknown)
            for mint, account in read.accounts.items():
                try:
                    self._decimals[mint] = decode_mint(account).decimals
                except DecodeError:
                    continue
        return {mint: self._decimals[mint] for mint in mints if mint in self._decimals}
