"""Meteora DAMM v2: the two ways its pools price, one price range or a compounding constant product.

Source: MeteoraAg/damm-v2 (programs/cp-amm, 0.2.x), liquidity_handler/, measured on the compiled program 0.2.0.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine_app.markets.venues.layout import U64_MAX, ceil_div
from engine_app.markets.venues.venue import QuoteRefused, Refusal


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Liquidity over one range of prices. Prices are roots of B per A in Q64, `liquidity` is in Q64 too.

    Source: liquidity_handler/concentrated_liquidity.rs.
    """

    sqrt_price: int
    sqrt_min: int
    sqrt_max: int
    liquidity: int

    def amount_out(self, amount_in: int, a_to_b: bool) -> int:
        """Base units that leave for `amount_in` base units, both without fees. Raises QuoteRefused."""
        if self.liquidity == 0 or self.sqrt_price == 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool has no liquidity")
        return self._b_for_a(amount_in) if a_to_b else self._a_for_b(amount_in)

    def _b_for_a(self, amount_in: int) -> int:
        moved = self.liquidity + amount_in * self.sqrt_price
        next_price = ceil_div(self.liquidity * self.sqrt_price, moved)
        if next_price < self.sqrt_min:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount moves the price below the pool's range")
        return self.liquidity * (self.sqrt_price - next_price) >> 128

    def _a_for_b(self, amount_in: int) -> int:
        next_price = self.sqrt_price + (amount_in << 128) // self.liquidity
        if next_price > self.sqrt_max:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount moves the price above the pool's range")
        return self.liquidity * (next_price - self.sqrt_price) // (self.sqrt_price * next_price)

    def amount_in(self, amount_out: int, a_to_b: bool) -> int:
        """Base units that have to come in for `amount_out` base units, both without fees. Raises QuoteRefused."""
        if self.liquidity == 0 or self.sqrt_price == 0:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool has no liquidity")
        if a_to_b:
            next_price = self.sqrt_price - ceil_div(amount_out << 128, self.liquidity)
            if next_price < self.sqrt_min or next_price <= 0:
                raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount moves the price below the pool's range")
            return ceil_div(self.liquidity * (self.sqrt_price - next_price), self.sqrt_price * next_price)
        rest = self.liquidity - amount_out * self.sqrt_price
        next_price = ceil_div(self.liquidity * self.sqrt_price, rest) if rest > 0 else self.sqrt_max + 1
        if next_price > self.sqrt_max:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount moves the price above the pool's range")
        return ceil_div(self.liquidity * (next_price - self.sqrt_price), 1 << 128)

    def marginal_price(self) -> tuple[int, int]:
        """B per A as a fraction."""
        return self.sqrt_price**2, 1 << 128

    def reserves(self) -> tuple[int, int]:
        """Base units of A and B between the price and the ends of its range."""
        if not self.sqrt_min <= self.sqrt_price <= self.sqrt_max or self.sqrt_price == 0:
            return 0, 0
        amount_a = self.liquidity * (self.sqrt_max - self.sqrt_price) // (self.sqrt_price * self.sqrt_max)
        return amount_a, self.liquidity * (self.sqrt_price - self.sqrt_min) >> 128


@dataclass(frozen=True, slots=True)
class Compounding:
    """A constant product of the amounts kept in the pool account. Source: compounding_liquidity.rs.

    `liquidity` takes no part in the price, but the program divides fees by it.
    """

    amount_a: int
    amount_b: int
    liquidity: int

    def amount_out(self, amount_in: int, a_to_b: bool) -> int:
        """Base units that leave for `amount_in` base units, both without fees. Raises QuoteRefused."""
        if not (self.amount_a and self.amount_b and self.liquidity):
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool has no liquidity")
        reserve_in, reserve_out = (self.amount_a, self.amount_b) if a_to_b else (self.amount_b, self.amount_a)
        if reserve_in + amount_in > U64_MAX:
            raise QuoteRefused(Refusal.OUT_OF_RANGE, "the amount is more than the pool can hold")
        return amount_in * reserve_out // (reserve_in + amount_in)

    def amount_in(self, amount_out: int, a_to_b: bool) -> int:
        """Base units that have to come in for `amount_out` base units, both without fees. Raises QuoteRefused."""
        reserve_in, reserve_out = (self.amount_a, self.amount_b) if a_to_b else (self.amount_b, self.amount_a)
        if amount_out >= reserve_out:
            raise QuoteRefused(Refusal.OUT_OF_LIQUIDITY, "the pool does not hold the amount")
        return ceil_div(reserve_in * amount_out, reserve_out - amount_out)

    def marginal_price(self) -> tuple[int, int]:
        """B per A as a fraction."""
        return self.amount_b, self.amount_a

    def reserves(self) -> tuple[int, int]:
        """Base units of A and B."""
        return self.amount_a, self.amount_b
