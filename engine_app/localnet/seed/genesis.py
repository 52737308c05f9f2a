"""The state of a fresh local chain: tokens, pools, and a lookup table of all their accounts.

Depths, fees and prices make the best venue depend on pair, side and size:

| pair      | Raydium CPMM                   | Meteora DAMM v2                  | so that                        |
|-----------|--------------------------------|----------------------------------|--------------------------------|
| SOL/USDC  | 100,000 SOL, 0.25 %            | 10,000 SOL, 0.20 %               | Meteora wins below about 5 SOL |
| SOL/USDT  | 10,000 SOL, 0.25 %             | 100,000 SOL, 0.30 %              | Raydium wins below about 5 SOL |
| SOL/BONK  | 50,000 SOL, 0.25 %, SOL dearer | 50,000 SOL, 0.25 %, SOL cheaper  | sell SOL on Raydium, buy it on |
|           | (7,515,000 BONK)               | (7,485,000 BONK)                 | Meteora                        |
| USDC/USDT | 5,000,000 USDC, 0.25 %         | 20,000 USDC within 0.5 % of 1,   | Meteora wins until its range   |
|           |                                | 0.04 %                           | ends, then only Raydium is left|
| BONK/USDC | 2,000,000 USDC, 1 %, BONK      | 200,000 USDC, 0.5 %, BONK        | Meteora wins small sizes, and  |
|           | dearer (0.00002004)            | cheaper (0.00001996)             | buying BONK wins longer there  |

Larger amounts are split over both. BONK has no pool with USDT and is swapped for it over SOL, where Meteora's pool has
a rate limiter and so sells for exact amounts in only. Over SOL it also pays a little more for USDC than its own pools.

No round trip through two pools of a pair gains: prices lie less apart than the two fees together.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.seed import meteora_damm_v2, raydium_cpmm
from engine_app.localnet.seed.lookup_table import LOOKUP_TABLE, table_account
from engine_app.localnet.seed.meteora_damm_v2 import DammV2Pool
from engine_app.localnet.seed.raydium_cpmm import CpmmPool
from engine_app.localnet.seed.tokens import BONK, SOL, TOKENS, USDC, USDT, Token, mint_account
from engine_app.localnet.tokens import TOKEN_PROGRAM, decode_token_account

_OPEN_TIME = 1
_FEE_DENOMINATOR = 10**9


def _cpmm(base: Token, quote: Token, depth: str, price: str, config_index: int = 0) -> CpmmPool:
    """A pool with `depth` whole tokens of `base`, at `price` whole tokens of `quote` each."""
    return CpmmPool(base, quote, config_index, base.units(Decimal(depth)), quote.units(Decimal(depth) * Decimal(price)))


def _damm(
    base: Token,
    quote: Token,
    depth: str,
    price: str,
    *,
    fee: str,
    low: str | None = None,
    high: str | None = None,
    rate_limited: bool = False,
) -> DammV2Pool:
    """A pool with `depth` whole tokens of `base`, at `price` whole tokens of `quote` each; `fee` is a fraction."""
    return DammV2Pool(
        base=base,
        quote=quote,
        fee_numerator=int(Decimal(fee) * _FEE_DENOMINATOR),
        base_reserve=base.units(Decimal(depth)),
        price=Decimal(price),
        low=None if low is None else Decimal(low),
        high=None if high is None else Decimal(high),
        rate_limited=rate_limited,
    )


CPMM_POOLS = (
    _cpmm(SOL, USDC, "100000", "150"),
    _cpmm(SOL, USDT, "10000", "150"),
    _cpmm(SOL, BONK, "50000", "7515000"),
    _cpmm(USDC, USDT, "5000000", "1"),
    _cpmm(BONK, USDC, "100000000000", "0.00002004", config_index=1),
)
DAMM_V2_POOLS = (
    _damm(SOL, USDC, "10000", "150", fee="0.002"),
    _damm(SOL, USDT, "100000", "150", fee="0.003"),
    _damm(SOL, BONK, "50000", "7485000", fee="0.0025", rate_limited=True),
    _damm(USDC, USDT, "20000", "1", fee="0.0004", low="0.995", high="1.005"),
    _damm(BONK, USDC, "10000000000", "0.00001996", fee="0.005"),
)


def seed_accounts(mint_authority: Pubkey) -> dict[Pubkey, Account]:
    """Every account a fresh chain is born with besides the faucet's.

    Args:
        mint_authority: who may mint the tokens; also stands as the pools' creator and fee owner.
    """
    accounts = raydium_cpmm.config_accounts(mint_authority)
    for cpmm_pool in CPMM_POOLS:
        accounts |= raydium_cpmm.pool_accounts(cpmm_pool, mint_authority, _OPEN_TIME)
    for damm_pool in DAMM_V2_POOLS:
        accounts |= meteora_damm_v2.pool_accounts(damm_pool, mint_authority, _OPEN_TIME)
    supplies = _held(accounts.values())
    for token in TOKENS:
        native = token is SOL
        accounts[token.mint] = mint_account(
            token.decimals,
            0 if native else supplies[token.mint],
            None if native else mint_authority,
        )
    shared = (raydium_cpmm.AUTHORITY, meteora_damm_v2.AUTHORITY, meteora_damm_v2.EVENT_AUTHORITY, TOKEN_PROGRAM)
    accounts[LOOKUP_TABLE] = table_account([*sorted(accounts, key=bytes), *shared])
    return accounts


def _held(accounts: Iterable[Account]) -> Counter[Pubkey]:
    """Base units held in token accounts, by mint."""
    held: Counter[Pubkey] = Counter()
    for token_account in map(decode_token_account, accounts):
        if token_account is not None:
            held[token_account.mint] += token_account.amount
    return held
