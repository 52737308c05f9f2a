"""Meteora DLMM: prices of bins, arrays of bins, and the bitmap that tells which arrays hold liquidity.

A bin is one price: token Y per token X in Q64. Source: MeteoraAg/dlmm-sdk (commons), measured on the compiled programs
0.10.1 and 0.12.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account, DecodeError
from engine_app.markets.venues.array_bitmap import ArrayBitmap
from engine_app.markets.venues.layout import U128_MAX, address, anchor_data, i64, u64, u128

BINS_PER_ARRAY = 70
MIN_BIN, MAX_BIN = -443_636, 443_636

_ARRAY_SIZE = 10_136
_ARRAY_DISCRIMINATOR = bytes.fromhex("5c8e5cdc059446b5")
_BIN_SIZE = 144
_EXTENSION_SIZE = 1_576
_EXTENSION_DISCRIMINATOR = bytes.fromhex("506f7c7137ed1205")
_BASIS_POINTS = 10_000
_ONE = 1 << 64

_PAIR_BITS = 512
_SIDE_BITS = 12 * 512
_LOWEST = -(_PAIR_BITS + _SIDE_BITS)
_BITS = -2 * _LOWEST


def price_of_bin(bin_id: int, bin_step: int) -> int:
    """(1 + step in basis points)^id in Q64, as the program multiplies it; 0 where it underflows. Bins between
    `MIN_BIN` and `MAX_BIN`."""
    base = _ONE + (bin_step << 64) // _BASIS_POINTS
    if bin_id == 0:
        return _ONE
    square, result, exponent = U128_MAX // base, _ONE, abs(bin_id)
    while exponent:
        if exponent & 1:
            result = result * square >> 64
        square = square * square >> 64
        exponent >>= 1
    if bin_id < 0:
        return result
    return U128_MAX // result if result else 0


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin with something in it.

    Attributes:
        bin_id: its number.
        price: Y per X in Q64, above 0.
        amount: base units of liquidity of the token that leaves.
        processed_orders, open_orders: base units that limit orders sell of it, in the order they are filled.
    """

    bin_id: int
    price: int
    amount: int
    processed_orders: int
    open_orders: int


@dataclass(frozen=True, slots=True)
class BinArray:
    """70 bins, from `start` on."""

    key: Pubkey
    start: int
    bin_step: int
    data: bytes

    def bins(self, downwards: bool, limit_orders: bool, active: int | None = None) -> Iterator[Bin]:
        """Its bins that a swap finds something in, in the direction of the swap (`downwards`: X comes in, Y leaves);
        all, or those from the active one on."""
        steps = range(BINS_PER_ARRAY)
        if active is not None:
            here = active - self.start
            steps = range(here + 1) if downwards else range(here, BINS_PER_ARRAY)
        for step in reversed(steps) if downwards else steps:
            at = 56 + step * _BIN_SIZE
            amount = u64(self.data, at + 8 if downwards else at)
            opened = processed = 0
            if limit_orders and bool(self.data[at + 140]) != downwards:
                opened, processed = u64(self.data, at + 112), u64(self.data, at + 128)
            if amount or opened or processed:
                bin_id = self.start + step
                price = u128(self.data, at + 16) or price_of_bin(bin_id, self.bin_step)
                yield Bin(bin_id, price, amount, processed, opened)


def decode_bin_array(
    account: Account, *, program: Pubkey, key: Pubkey, pair: Pubkey, index: int, step: int
) -> BinArray:
    """The pair's array number `index` from its account of 10136 bytes: index@8, pair@24. Raises DecodeError."""
    data = anchor_data(account, "the bin array", program, _ARRAY_SIZE, _ARRAY_DISCRIMINATOR)
    if i64(data, 8) != index or address(data, 24) != pair:
        raise DecodeError(f"the bin array {key} is another pair's or has another number")
    return BinArray(key, index * BINS_PER_ARRAY, step, data)


def decode_bitmap(pair_bits: bytes, extension: Account | None, *, program: Pubkey, pair: Pubkey) -> ArrayBitmap:
    """The bitmap from the pair's own 1024 bits and its extension, where that exists. Raises DecodeError.

    The extension, 1576 bytes, has 12 words of 512 bits above the pair's (@40) and 12 below (@808); those below count
    downwards.
    """
    bits = int.from_bytes(pair_bits, "little") << _SIDE_BITS
    if extension is None:
        return ArrayBitmap(bits, _LOWEST, _BITS)
    data = anchor_data(extension, "the bitmap extension", program, _EXTENSION_SIZE, _EXTENSION_DISCRIMINATOR)
    if address(data, 8) != pair:
        raise DecodeError("the bitmap extension is another pair's")
    bits |= int.from_bytes(data[40:808], "little") << (_SIDE_BITS + 2 * _PAIR_BITS)
    below = int.from_bytes(data[808:1576], "little")
    bits |= int(f"{below:0{_SIDE_BITS}b}"[::-1], 2)
    return ArrayBitmap(bits, _LOWEST, _BITS)
