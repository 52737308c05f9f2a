"""Raydium CLMM: prices of ticks, arrays of ticks, and the bitmap that tells which arrays have any.

Prices are roots of token 1 per token 0 in Q64. Source: raydium-io/raydium-clmm (libraries/tick_math.rs,
states/tick_array.rs, states/tickarray_bitmap_extension.rs), measured on the compiled program of April 2026; limit
orders on ticks are from the newer public source (commit 03b44b7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.array_bitmap import ArrayBitmap
from engine_app.markets.venues.layout import address, anchor_data, i32, i128, u64

MIN_TICK, MAX_TICK = -443_636, 443_636
MIN_SQRT_PRICE, MAX_SQRT_PRICE = 4_295_048_016, 79_226_673_521_066_979_257_578_248_091

TICKS_PER_ARRAY = 60
_ARRAY_SIZE = 10_240
_ARRAY_DISCRIMINATOR = bytes.fromhex("c09b55cd31f9812a")
_EXTENSION_SIZE = 1_832
_EXTENSION_DISCRIMINATOR = bytes.fromhex("3c9624db61808b99")
_TICK_SIZE = 168
_NOTHING = bytes(16)

_POOL_BITS = 512
_WORD_BITS = 512
_WORDS_PER_SIDE = 14
_LOWEST = -(_WORDS_PER_SIDE + 1) * _WORD_BITS
_BITS = -2 * _LOWEST

_SQRT_POWERS = (
    0xFFFCB933BD6FB800,
    0xFFF97272373D4000,
    0xFFF2E50F5F657000,
    0xFFE5CACA7E10F000,
    0xFFCB9843D60F7000,
    0xFF973B41FA98E800,
    0xFF2EA16466C9B000,
    0xFE5DEE046A9A3800,
    0xFCBE86C7900BB000,
    0xF987A7253AC65800,
    0xF3392B0822BB6000,
    0xE7159475A2CAF000,
    0xD097F3BDFD2F2000,
    0xA9F746462D9F8000,
    0x70D869A156F31C00,
    0x31BE135F97ED3200,
    0x9AA508B5B85A500,
    0x5D6AF8DEDC582C,
    0x2216E584F5FA,
)
"""2^64 / 1.0001^(2^(i-1)) for each bit i of a tick, as the program has them."""


@lru_cache(maxsize=4096)
def sqrt_price_at_tick(tick: int) -> int:
    """The price of a tick between `MIN_TICK` and `MAX_TICK`."""
    ratio = 1 << 64
    for bit, power in enumerate(_SQRT_POWERS):
        if abs(tick) >> bit & 1:
            ratio = ratio * power >> 64
    return (2**128 - 1) // ratio if tick > 0 else ratio


@dataclass(frozen=True, slots=True)
class Tick:
    """An initialized tick.

    Attributes:
        index: its number; its price is 1.0001^index.
        liquidity_gross: of the positions that begin or end here.
        liquidity_net: what crossing it upwards adds to the liquidity.
        orders: base units that its limit orders still sell.
    """

    index: int
    liquidity_gross: int
    liquidity_net: int
    orders: int


@dataclass(frozen=True, slots=True)
class TickArray:
    """60 ticks, from `start` on, `spacing` apart."""

    key: Pubkey
    start: int
    spacing: int
    data: bytes

    def ticks(self, downwards: bool, beyond: int | None = None) -> Iterator[Tick]:
        """Its initialized ticks in the direction of a swap; all, or those that a price at tick `beyond`, which lies
        in the array, has still ahead: downwards the one it stands on too."""
        steps = range(TICKS_PER_ARRAY)
        if beyond is not None:
            here = (beyond - self.start) // self.spacing
            steps = range(here + 1) if downwards else range(here + 1, TICKS_PER_ARRAY)
        for step in reversed(steps) if downwards else steps:
            at = 44 + step * _TICK_SIZE
            gross, orders = self.data[at + 20 : at + 36], self.data[at + 124 : at + 140]
            if gross != _NOTHING or orders != _NOTHING:
                yield Tick(
                    index=self.start + step * self.spacing,
                    liquidity_gross=int.from_bytes(gross, "little"),
                    liquidity_net=i128(self.data, at + 4),
                    orders=u64(orders, 0) + u64(orders, 8),
                )


def decode_tick_array(
    account: Account, *, program: Pubkey, key: Pubkey, pool: Pubkey, index: int, spacing: int
) -> TickArray:
    """The pool's array number `index` from its account of 10240 bytes: pool@8, first tick@40. Raises DecodeError."""
    data = anchor_data(account, "the tick array", program, _ARRAY_SIZE, _ARRAY_DISCRIMINATOR)
    start = index * TICKS_PER_ARRAY * spacing
    if address(data, 8) != pool or i32(data, 40) != start:
        raise DecodeError(f"the tick array {key} is another pool's or begins at another tick")
    return TickArray(key, start, spacing, data)


def decode_bitmap(pool_bits: bytes, extension: Account | None, *, program: Pubkey, pool: Pubkey) -> ArrayBitmap:
    """The bitmap from the pool's own 1024 bits and its extension, where that exists. Raises DecodeError.

    The extension, 1832 bytes, has 14 words of 512 bits above the pool's (@40) and 14 below (@936), the nearest first.
    """
    bits = int.from_bytes(pool_bits, "little") << (-_POOL_BITS - _LOWEST)
    if extension is None:
        return ArrayBitmap(bits, _LOWEST, _BITS)
    data = anchor_data(extension, "the bitmap extension", program, _EXTENSION_SIZE, _EXTENSION_DISCRIMINATOR)
    if address(data, 8) != pool:
        raise DecodeError("the bitmap extension is another pool's")
    above = int.from_bytes(data[40:936], "little")
    bits |= above << (_POOL_BITS - _LOWEST)
    for word in range(_WORDS_PER_SIDE):
        at = 936 + word * 64
        bits |= int.from_bytes(data[at : at + 64], "little") << ((_WORDS_PER_SIDE - 1 - word) * _WORD_BITS)
    return ArrayBitmap(bits, _LOWEST, _BITS)
