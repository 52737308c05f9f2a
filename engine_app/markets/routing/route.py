"""A route: the swaps that one transaction makes for an order. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.markets.venues.venue import Dex, Pool, SwapQuote


@dataclass(frozen=True, slots=True)
class Leg:
    """One swap of a route, in one pool, as quoted.

    Attributes:
        pool: where.
        mint_in, mint_out: what is paid and received.
        quote: what the pool pays for this leg's part, at the state that was read.
        exact_out: whether the instruction buys exactly the quoted output for no more than its limit, instead of selling
            exactly the quoted input for no less than its limit.
    """

    pool: Pool
    mint_in: Pubkey
    mint_out: Pubkey
    quote: SwapQuote
    exact_out: bool = False

    @property
    def amount_in(self) -> int:
        """Base units that the quote takes."""
        return self.quote.amount_in

    @property
    def amount_out(self) -> int:
        """Base units that the quote gives."""
        return self.quote.amount_out


@dataclass(frozen=True, slots=True)
class Route:
    """Hops that follow each other, each of one leg or of several that share its amount.

    Attributes:
        hops: one from the order's mint in to its mint out, or two by way of a third mint. The first of two is a single
            leg, and the second spends exactly what that is sure to bring, `through`.
        amount_in: base units that the order gives; a first hop that buys exactly what the second spends may take less,
            and the rest stays the user's.
    """

    hops: tuple[tuple[Leg, ...], ...]
    amount_in: int

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Every leg in the order in which they are carried out."""
        return tuple(leg for hop in self.hops for leg in hop)

    @property
    def amount_out(self) -> int:
        """Base units of the order's mint out that the quotes give, net of every fee of pools and mints."""
        return sum(leg.amount_out for leg in self.hops[-1])

    @property
    def through(self) -> int | None:
        """Base units of the mint in between that the second hop spends; None for a single hop."""
        return sum(leg.amount_in for leg in self.hops[1]) if len(self.hops) > 1 else None

    @property
    def dex(self) -> Dex:
        """The exchange of the larger part: by what the legs of the last hop pay."""
        last = self.hops[-1]
        if len(last) == 1:
            return last[0].pool.dex
        paid = {dex: sum(leg.amount_out for leg in last if leg.pool.dex == dex) for dex in Dex}
        return max(Dex, key=lambda dex: paid[dex])


@dataclass(frozen=True, slots=True)
class Terms:
    """What one leg's instruction asks for.

    Attributes:
        leg: of the route.
        amount_in: base units paid: exactly, or at most where the leg buys an exact amount.
        amount_out: base units received: at least, or exactly where the leg buys an exact amount.
    """

    leg: Leg
    amount_in: int
    amount_out: int
