"""Raydium CPMM pools as accounts (raydium-cp-swap, layouts of March 2025)."""

import math
from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.programs_dir import RAYDIUM_CPMM as PROGRAM
from engine_app.localnet.seed.layout import Layout
from engine_app.localnet.seed.tokens import Token, mint_account, token_account
from engine_app.localnet.tokens import TOKEN_PROGRAM

_POOL_STATE = bytes.fromhex("f7ede3f5d7c3de46")
_AMM_CONFIG = bytes.fromhex("daf42168cbcb2b6f")
_OBSERVATION_STATE = bytes.fromhex("7aaec5358109a584")
_POOL_LENGTH, _CONFIG_LENGTH, _OBSERVATION_LENGTH = 637, 236, 4075
_LP_DECIMALS = 9
_LOCKED_LP = 100
_PROTOCOL_SHARE, _FUND_SHARE = 120_000, 40_000
_CREATE_POOL_LAMPORTS = 150_000_000
TRADE_RATES = {0: 2_500, 1: 10_000}
"""Trade fee of mainnet's configs by index, over a million."""


def find(*seeds: bytes) -> tuple[Pubkey, int]:
    """A program address with its bump."""
    return Pubkey.find_program_address(list(seeds), PROGRAM)


AUTHORITY, _AUTHORITY_BUMP = find(b"vault_and_lp_mint_auth_seed")


@dataclass(frozen=True, slots=True)
class CpmmPool:
    """A pool to be: what it is a pool of, and its first reserves in base units.

    Attributes:
        config_index: which of mainnet's fee configs it trades under.
    """

    base: Token
    quote: Token
    config_index: int
    base_reserve: int
    quote_reserve: int


def config_address(index: int) -> Pubkey:
    """The address of a fee config; its index is big-endian in the seed."""
    return find(b"amm_config", index.to_bytes(2, "big"))[0]


def pool_address(config_index: int, mint_0: Pubkey, mint_1: Pubkey) -> Pubkey:
    """The address of a config's pool; `mint_0` is the lower one by bytes."""
    return find(b"pool", bytes(config_address(config_index)), bytes(mint_0), bytes(mint_1))[0]


def config_accounts(owner: Pubkey) -> dict[Pubkey, Account]:
    """The fee configs, with `owner` to collect for protocol and fund."""
    accounts = {}
    for index, trade_rate in TRADE_RATES.items():
        address, bump = find(b"amm_config", index.to_bytes(2, "big"))
        accounts[address] = (
            Layout(_CONFIG_LENGTH)
            .put(0, _AMM_CONFIG)
            .number(8, bump, 1)
            .number(10, index, 2)
            .number(12, trade_rate, 8)
            .number(20, _PROTOCOL_SHARE, 8)
            .number(28, _FUND_SHARE, 8)
            .number(36, _CREATE_POOL_LAMPORTS, 8)
            .key(44, owner)
            .key(76, owner)
            .account(PROGRAM)
        )
    return accounts


def pool_accounts(pool: CpmmPool, creator: Pubkey, open_time: int) -> dict[Pubkey, Account]:
    """A pool with its vaults, its LP mint and its observations.

    Args:
        open_time: Unix time in seconds after which it trades.
    """
    (token_0, reserve_0), (token_1, reserve_1) = sorted(
        [(pool.base, pool.base_reserve), (pool.quote, pool.quote_reserve)], key=lambda side: bytes(side[0].mint)
    )
    address = pool_address(pool.config_index, token_0.mint, token_1.mint)
    vault_0, vault_1 = (find(b"pool_vault", bytes(address), bytes(mint))[0] for mint in (token_0.mint, token_1.mint))
    lp_mint, _ = find(b"pool_lp_mint", bytes(address))
    observation, _ = find(b"observation", bytes(address))
    lp_supply = math.isqrt(reserve_0 * reserve_1)
    state = (
        Layout(_POOL_LENGTH)
        .put(0, _POOL_STATE)
        .key(8, config_address(pool.config_index))
        .key(40, creator)
        .key(72, vault_0)
        .key(104, vault_1)
        .key(136, lp_mint)
        .key(168, token_0.mint)
        .key(200, token_1.mint)
        .key(232, TOKEN_PROGRAM)
        .key(264, TOKEN_PROGRAM)
        .key(296, observation)
        .number(328, _AUTHORITY_BUMP, 1)
        .number(330, _LP_DECIMALS, 1)
        .number(331, token_0.decimals, 1)
        .number(332, token_1.decimals, 1)
        .number(333, lp_supply, 8)
        .number(373, open_time, 8)
    )
    return {
        address: state.account(PROGRAM),
        vault_0: token_account(token_0.mint, AUTHORITY, reserve_0),
        vault_1: token_account(token_1.mint, AUTHORITY, reserve_1),
        lp_mint: mint_account(_LP_DECIMALS, lp_supply - _LOCKED_LP, AUTHORITY),
        observation: Layout(_OBSERVATION_LENGTH).put(0, _OBSERVATION_STATE).key(11, address).account(PROGRAM),
    }
