"""Test funds: SOL on localnet and devnet, on localnet every seeded token too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.errors import EngineError, register
from engine_app.markets.tokens import Token, TokenList
from engine_app.settings import Settings
from engine_app.storage.rate_limits import Limit, RateLimits
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.balances import Wallets, WalletView

log = get_logger(__name__)

HOUR = 60 * 60
POLL_SECONDS = 0.1
CONFIRMED_WITHIN_SECONDS = 60.0

PER_SOL = {"USDC": Decimal(150), "USDT": Decimal(150), "BONK": Decimal(7_500_000)}
"""Whole tokens worth about one SOL in localnet's seeded pools."""

DEVNET_SOL = Decimal(1)
"""Devnet's public faucet refuses larger requests."""


class NoFaucet(EngineError):
    """There are no test funds of this kind on this cluster."""

    code = register(
        "NO_FAUCET",
        "There are no test funds of this kind on this cluster.",
        "Nothing was sent.",
        "Send funds to the wallet's address from elsewhere.",
    )
    status = 409


class FaucetRefused(EngineError):
    """The cluster's faucet did not send, or what it sent was not confirmed in time."""

    code = register(
        "FAUCET_REFUSED",
        "The cluster's faucet did not give the test funds.",
        "Nothing was taken from the wallet; funds that were sent may still arrive.",
        "Try again later.",
    )
    status = 502


@dataclass(frozen=True, slots=True)
class Grant:
    """Test funds that are confirmed: the transactions (base58) that brought them, and what the wallet holds now."""

    signatures: tuple[str, ...]
    wallet: WalletView


class Faucet:
    """Hands out test funds."""

    def __init__(
        self, rpc: Rpc, tokens: TokenList, wallets: Wallets, rate_limits: RateLimits, settings: Settings
    ) -> None:
        self._rpc = rpc
        self._tokens = tokens
        self._wallets = wallets
        self._rate_limits = rate_limits
        self._cluster = settings.solana_cluster
        self._sol = settings.airdrop_sol
        self._limit = Limit("airdrop", settings.airdrops_per_hour, HOUR)

    async def grant(self, user_id: int, token: str | None = None) -> Grant:
        """Send test funds to the user's address and wait until they are confirmed.

        Args:
            user_id: who gets them.
            token: symbol or mint of the one token wanted; None for all that the cluster gives.

        Raises:
            UnknownToken: no such token.
            NoFaucet: this cluster gives none of it.
            RateLimited, LimitsUnavailable: the account had its share of this hour, or nobody can tell.
            FaucetRefused: the cluster's faucet did not send, or nothing was confirmed within 60 s.
        """
        wanted = self._wanted(None if token is None else self._tokens.resolve(token))
        address = await self._wallets.address(user_id)
        await self._rate_limits.use(self._limit, str(user_id))
        try:
            signatures = await asyncio.gather(*(self._rpc.airdrop(address, units, mint) for mint, units in wanted))
        except RpcRefused as error:
            raise FaucetRefused(f"the cluster's faucet refused: {error.message}") from error
        except RpcUnavailable as error:
            raise FaucetRefused("the cluster's faucet does not answer") from error
        await self._confirmed(signatures)
        log.info("test funds granted", user_id=user_id, transactions=len(signatures))
        return Grant(tuple(str(signature) for signature in signatures), await self._wallets.view(user_id))

    def _wanted(self, token: Token | None) -> list[tuple[Pubkey | None, int]]:
        """What to send: (mint, base units), mint None for SOL. Raises NoFaucet."""
        if not has_faucet(self._cluster):
            raise NoFaucet("mainnet has no test funds")
        if self._cluster == "devnet":
            if token is not None and token.mint != WRAPPED_SOL_MINT:
                raise NoFaucet("devnet's faucet gives SOL only; its USDC comes from https://faucet.circle.com")
            return [(None, _units(min(self._sol, DEVNET_SOL), 9))]
        tokens = self._tokens.all() if token is None else (token,)
        wanted: list[tuple[Pubkey | None, int]] = [
            (None, _units(self._sol, 9))
            if each.mint == WRAPPED_SOL_MINT
            else (each.mint, _units(self._sol * PER_SOL[each.symbol], each.decimals))
            for each in tokens
            if each.mint == WRAPPED_SOL_MINT or each.symbol in PER_SOL
        ]
        if not wanted:
            raise NoFaucet("localnet's faucet gives SOL and its seeded tokens only")
        return wanted

    async def _confirmed(self, signatures: list[Signature]) -> None:
        """Wait until all are confirmed. Raises FaucetRefused."""
        deadline = asyncio.get_running_loop().time() + CONFIRMED_WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                _, statuses = await self._rpc.signature_statuses(signatures)
            except RpcUnavailable:
                statuses = [None] * len(signatures)
            if failed := next((status for status in statuses if status and status.error is not None), None):
                raise FaucetRefused(f"the faucet's transaction failed: {failed.error}")
            if all(status and status.commitment in ("confirmed", "finalized") for status in statuses):
                return
            await asyncio.sleep(POLL_SECONDS)
        raise FaucetRefused(f"the test funds were not confirmed within {CONFIRMED_WITHIN_SECONDS:.0f} s")


def has_faucet(cluster: str) -> bool:
    """Whether a cluster, by its name, gives test funds of any kind."""
    return cluster != "mainnet-beta"


def _units(amount: Decimal, decimals: int) -> int:
    return int(amount.scaleb(decimals))
