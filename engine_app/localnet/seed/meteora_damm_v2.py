"""Meteora DAMM v2 pools as accounts (cp_amm 0.2.0): customizable pools, no dynamic fee, some with a rate limiter."""

import math
from dataclasses import dataclass
from decimal import Decimal

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.programs_dir import METEORA_DAMM_V2 as PROGRAM
from engine_app.localnet.seed.layout import Layout
from engine_app.localnet.seed.tokens import Token, token_account

_POOL = bytes.fromhex("f19a6d0411b16dbc")
_POOL_LENGTH = 1112
_PROTOCOL_PERCENT, _REFERRAL_PERCENT = 20, 20
_BY_TIME = 1
_CUSTOMIZABLE = 1
_FEE_VERSION = 1
_LAYOUT_VERSION = 1
_RATE_LIMITER = 2
_LIMITER_INCREMENT_BPS, _LIMITER_MOST_BPS = 10, 5_000
_LIMITER_SECONDS = 2**32 - 1
_LIMITER_REFERENCE = 2**63
MIN_SQRT_PRICE = 4_295_048_016
MAX_SQRT_PRICE = 79_226_673_521_066_979_257_578_248_091


def find(*seeds: bytes) -> Pubkey:
    """A program address."""
    return Pubkey.find_program_address(list(seeds), PROGRAM)[0]


AUTHORITY = find(b"pool_authority")
EVENT_AUTHORITY = find(b"__event_authority")


@dataclass(frozen=True, slots=True)
class DammV2Pool:
    """A pool to be: what it is a pool of, how deep, and at what price.

    Attributes:
        base: token A.
        quote: token B.
        fee_numerator: base fee over 10⁹, always taken from the output.
        base_reserve: base units of A it begins with; those of B follow from price and range.
        price: whole tokens of B for a whole token of A.
        low: lowest price it trades at; None for no bound.
        high: highest price it trades at; None for no bound.
        rate_limited: whether buying A with 2⁶³ base units and more at once costs more; for all that its fee is
            worked out forwards only, and nobody can tell what an exact amount of A costs.
    """

    base: Token
    quote: Token
    fee_numerator: int
    base_reserve: int
    price: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    rate_limited: bool = False

    def sqrt_price(self, price: Decimal) -> int:
        """The square root of a price, in base units and Q64, rounded down."""
        numerator, denominator = price.as_integer_ratio()
        numerator *= 10**self.quote.decimals << 128
        denominator *= 10**self.base.decimals
        return math.isqrt(numerator // denominator)


def pool_address(mint_a: Pubkey, mint_b: Pubkey) -> Pubkey:
    """The address of the customizable pool of two mints, in either order."""
    low, high = sorted((bytes(mint_a), bytes(mint_b)))
    return find(b"cpool", high, low)


def pool_accounts(pool: DammV2Pool, creator: Pubkey, activation_time: int) -> dict[Pubkey, Account]:
    """A pool with its vaults.

    With square roots of prices s in Q64 and liquidity L in Q64, A is L(1/s − 1/s_max) and B is L(s − s_min)/2¹²⁸
    (cp_amm `curve.rs`), B rounded up in the pool's favour.

    Args:
        activation_time: Unix time in seconds after which it trades.
    """
    address = pool_address(pool.base.mint, pool.quote.mint)
    vault_a = find(b"token_vault", bytes(pool.base.mint), bytes(address))
    vault_b = find(b"token_vault", bytes(pool.quote.mint), bytes(address))
    price = pool.sqrt_price(pool.price)
    lowest = MIN_SQRT_PRICE if pool.low is None else pool.sqrt_price(pool.low)
    highest = MAX_SQRT_PRICE if pool.high is None else pool.sqrt_price(pool.high)
    liquidity = pool.base_reserve * price * highest // (highest - price)
    quote_reserve = -(-liquidity * (price - lowest) >> 128)
    state = (
        Layout(_POOL_LENGTH)
        .put(0, _POOL)
        .number(8, pool.fee_numerator, 8)
        .number(48, _PROTOCOL_PERCENT, 1)
        .number(50, _REFERRAL_PERCENT, 1)
        .number(152, price, 16)
        .key(168, pool.base.mint)
        .key(200, pool.quote.mint)
        .key(232, vault_a)
        .key(264, vault_b)
        .number(360, liquidity, 16)
        .number(424, lowest, 16)
        .number(440, highest, 16)
        .number(456, price, 16)
        .number(472, activation_time, 8)
        .number(480, _BY_TIME, 1)
        .number(485, _CUSTOMIZABLE, 1)
        .number(486, _FEE_VERSION, 1)
        .key(648, creator)
        .number(680, pool.base_reserve, 8)
        .number(688, quote_reserve, 8)
        .number(696, _LAYOUT_VERSION, 1)
    )
    if pool.rate_limited:
        state = (
            state.number(16, _RATE_LIMITER, 1)
            .number(22, _LIMITER_INCREMENT_BPS, 2)
            .number(24, _LIMITER_SECONDS, 4)
            .number(28, _LIMITER_MOST_BPS, 4)
            .number(32, _LIMITER_REFERENCE, 8)
        )
    return {
        address: state.account(PROGRAM),
        vault_a: token_account(pool.base.mint, AUTHORITY, pool.base_reserve),
        vault_b: token_account(pool.quote.mint, AUTHORITY, quote_reserve),
    }
