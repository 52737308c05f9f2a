"""Meteora's dynamic vaults, in which DAMM v1 pools keep their tokens.

A vault holds one token for many pools and lends it out; a pool owns LP tokens of the vault. Layout and arithmetic:
MeteoraAg/vault-sdk, measured on the compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.chain.token_accounts import TOKEN_PROGRAM, decode_mint
from engine_app.markets.venues.layout import account_at, address, anchor_data, u64
from engine_app.markets.venues.spl_token import vault_balance
from engine_app.markets.venues.venue import QuoteRefused, Refusal

_VAULT_SIZE = 1232
_VAULT_DISCRIMINATOR = bytes.fromhex("d308e82b02987577")
_DEGRADATION_DENOMINATOR = 10**12


@dataclass(frozen=True, slots=True)
class LockedProfit:
    """Profit that a vault hands out little by little: `amount` base units at `reported_at` (unix seconds), less
    `degradation` over 10¹² of it with every second."""

    amount: int
    reported_at: int
    degradation: int

    def locked(self, now: int) -> int:
        """Base units that are still locked. Raises QuoteRefused where the program overflows."""
        elapsed = now - self.reported_at
        if elapsed < 0:
            raise QuoteRefused(Refusal.UNSUPPORTED, "the vault's last report lies in the future")
        released = elapsed * self.degradation
        if released > _DEGRADATION_DENOMINATOR:
            return 0
        return self.amount * (_DEGRADATION_DENOMINATOR - released) // _DEGRADATION_DENOMINATOR


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault at one state.

    Attributes:
        address: the vault.
        mint: of the token it holds.
        token_vault: the token account it keeps at hand.
        lp_mint: of its shares.
        total: base units that belong to it, lent ones included.
        at_hand: base units in `token_vault`.
        supply: shares that exist.
        locked_profit: what of `total` no share can withdraw yet.
    """

    address: Pubkey
    mint: Pubkey
    token_vault: Pubkey
    lp_mint: Pubkey
    total: int
    at_hand: int
    supply: int
    locked_profit: LockedProfit

    def withdrawable(self, now: int) -> int:
        """Base units that all shares together are worth at `now` (unix seconds). Raises QuoteRefused."""
        worth = self.total - self.locked_profit.locked(now)
        if worth <= 0 or self.supply == 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, f"the vault {self.address} is empty")
        return worth


def vault_accounts(vault: Account, vault_program: Pubkey) -> list[Pubkey]:
    """The vault's token account and LP mint. Raises DecodeError."""
    data = anchor_data(vault, "the vault", vault_program, _VAULT_SIZE, _VAULT_DISCRIMINATOR)
    return [address(data, 19), address(data, 115)]


def decode_vault(vault: Pubkey, mint: Pubkey, vault_program: Pubkey, accounts: Mapping[Pubkey, Account]) -> Vault:
    """The vault of `mint` from its account of 1232 bytes, its token account and its LP mint. Raises DecodeError."""
    account = account_at(accounts, vault, "the vault")
    data = anchor_data(account, "the vault", vault_program, _VAULT_SIZE, _VAULT_DISCRIMINATOR)
    if address(data, 83) != mint:
        raise DecodeError(f"a vault of mint {mint} holds mint {address(data, 83)}")
    token_vault, lp_mint = address(data, 19), address(data, 115)
    return Vault(
        address=vault,
        mint=mint,
        token_vault=token_vault,
        lp_mint=lp_mint,
        total=u64(data, 11),
        at_hand=vault_balance(account_at(accounts, token_vault, "the token vault"), mint, TOKEN_PROGRAM),
        supply=decode_mint(account_at(accounts, lp_mint, "the LP mint")).supply,
        locked_profit=LockedProfit(amount=u64(data, 1203), reported_at=u64(data, 1211), degradation=u64(data, 1219)),
    )
