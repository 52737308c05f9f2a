"""The seeded tokens' mints, and further pools of SOL and USDC."""

from __future__ import annotations

from dataclasses import replace

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.tokens import TokenList
from tests.markets.conftest import LOCALNET
from tests.markets.venues.vectors import state

TOKENS = TokenList(LOCALNET)
SOL, USDC, USDT, BONK = (TOKENS.resolve(symbol).mint for symbol in ("SOL", "USDC", "USDT", "BONK"))
FIRST_POOLS = {"raydium_cpmm": "cpmm-sol-usdc-25bp", "meteora_damm_v2": "dammv2-sol-usdc-5bp"}


def copies(venue: str, count: int) -> dict[Pubkey, Account]:
    """Further pools of SOL and USDC at addresses of their own, all with the vaults of the measured one."""
    measured = state(venue, FIRST_POOLS[venue])
    pool = measured.cases[0].pool
    vaults = {key: account for key, account in measured.accounts.items() if key not in (SOL, USDC)}
    return vaults | {Pubkey.new_unique(): measured.accounts[pool] for _ in range(count)}


def shallow(count: int) -> dict[Pubkey, Account]:
    """Further pools of SOL and USDC that hold little and need one account each."""
    liquidity = (10**20).to_bytes(16, "little")
    measured = state("meteora_damm_v2", FIRST_POOLS["meteora_damm_v2"])
    account = measured.accounts[measured.cases[0].pool]
    data = account.data[:360] + liquidity + account.data[376:]
    return {Pubkey.new_unique(): replace(account, data=data) for _ in range(count)}
