"""The route that pays most for an amount, with every other way, and every pool that was asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.markets.routing.price import price_impact, sol_in, token_price
from engine_app.markets.routing.route import Route
from engine_app.markets.routing.split import Offers
from engine_app.markets.routing.told import decision_json
from engine_app.markets.routing.ways import Asked, Way, ways
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Dex, Fee, Pool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool that offers something.

    Attributes:
        pool: its address.
        venue: its venue's name.
        dex: the exchange it belongs to.
        amount_out: base units that would reach the user.
        fees: the fees contained in the offer, base units.
        price_impact: fraction lost against the pool's marginal price, fees included.
    """

    pool: Pubkey
    venue: str
    dex: Dex
    amount_out: int
    fees: tuple[Fee, ...]
    price_impact: Decimal


@dataclass(frozen=True, slots=True)
class RefusedPool:
    """A pool of the pair that gives no quote, and why, in a sentence."""

    pool: Pubkey
    venue: str
    dex: Dex
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pools of a pair offer for an exact amount in, the best offer first.

    Attributes:
        slot: of the chain's clock at which the pools were read.
        mint_in, mint_out: the pair.
        amount_in: base units.
        candidates: every pool of the pair that offers something for all of it, by its offer, the best first.
        refused: every other pool.
        ways: every way that pays something, the one that pays most net first; those that move prices more than is
            allowed last.
        too_large: ways that would pay more, but no transaction holds them.
        leg_cost: base units of `mint_out` that a leg beyond the first had to bring in to be taken; 0 where no price of
            SOL is known.
    """

    slot: int
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    candidates: tuple[Candidate, ...]
    refused: tuple[RefusedPool, ...]
    ways: tuple[Way, ...] = ()
    too_large: tuple[Way, ...] = ()
    leg_cost: int = 0

    @property
    def way(self) -> Way | None:
        """The way that is taken, None where no pool takes the amount."""
        return self.ways[0] if self.ways else None

    @property
    def route(self) -> Route | None:
        """The route that is taken, None where no pool takes the amount."""
        return self.ways[0].route if self.ways else None

    @property
    def best(self) -> Candidate | None:
        """The single pool of the pair that pays most, None where all refuse."""
        return self.candidates[0] if self.candidates else None

    def best_of(self, dex: Dex) -> Candidate | None:
        """The pool of one exchange that pays most, None where it has none."""
        return next((candidate for candidate in self.candidates if candidate.dex == dex), None)

    def dex_quotes(self, decimals_in: int, decimals_out: int) -> dict[Dex, Decimal | None]:
        """Each exchange's best price, tokenOut per tokenIn, net of fees; None where it has none."""
        prices: dict[Dex, Decimal | None] = dict.fromkeys(Dex)
        for dex in Dex:
            best = self.best_of(dex)
            if best is not None:
                prices[dex] = token_price(self.amount_in, best.amount_out, decimals_in, decimals_out)
        return prices

    def refusals(self) -> str:
        """Why each refusing pool refuses, in one line."""
        return "; ".join(f"{refused.pool}: {refused.reason}" for refused in self.refused)

    def as_json(self, decimals_in: int, decimals_out: int) -> dict[str, Any]:
        """The decision as it is stored and shown: amounts in base units and prices, all as strings.

        `route` lists the legs with their shares of what their hop takes.
        """
        return decision_json(self, decimals_in, decimals_out)


def decide(
    pools: Iterable[Pool],
    *,
    clock: ChainClock,
    mint_in: Pubkey,
    mint_out: Pubkey,
    amount_in: int,
    refused: Iterable[RefusedPool] = (),
    slippage: Decimal = Decimal(0),
    max_legs: int = 1,
    hubs: Sequence[Pubkey] = (),
    leg_lamports: int = 0,
    max_price_impact: Decimal = Decimal(1),
) -> Decision:
    """Ask every pool for its price and find the route that pays most; the same pools give the same decision in any
    order.

    Args:
        pools: read at one slot: the pair's own, and those that lead to hubs and on from them.
        clock: the chain's clock of that slot.
        mint_in, mint_out: the pair.
        amount_in: base units.
        refused: pools that could not even be read, with the reason.
        slippage: a fraction; two hops leave the first of them half of it as its room.
        max_legs: swaps that the route may have; one allows neither a split nor two hops.
        hubs: mints over which two hops may lead.
        leg_lamports: what each leg beyond the first costs in network fees; it has to bring in that much more to be
            taken, by the price of SOL in the pools that were read, and anything more where they tell none.
        max_price_impact: a fraction; what moves prices more is taken only where nothing else is.
    """
    candidates: list[Candidate] = []
    without_quote = list(refused)
    read = sorted(pools, key=lambda pool: bytes(pool.address))
    direct = [Offers(pool, mint_in, clock) for pool in read if set(pool.mints) == {mint_in, mint_out}]
    for offers in direct:
        pool, answer = offers.pool, offers.answer(amount_in)
        if isinstance(answer, str):
            without_quote.append(RefusedPool(pool.address, pool.venue, pool.dex, answer))
            continue
        candidates.append(
            Candidate(
                pool=pool.address,
                venue=pool.venue,
                dex=pool.dex,
                amount_out=answer.amount_out,
                fees=answer.fees,
                price_impact=price_impact(answer),
            )
        )
    candidates.sort(key=lambda candidate: (-candidate.amount_out, bytes(candidate.pool)))
    without_quote.sort(key=lambda pool: bytes(pool.pool))
    leg_cost = _worth(leg_lamports, mint_out, read, clock)
    asked = Asked(clock, mint_in, mint_out, amount_in, slippage, max_legs, hubs, leg_cost, max_price_impact)
    return Decision(
        slot=clock.slot,
        mint_in=mint_in,
        mint_out=mint_out,
        amount_in=amount_in,
        candidates=tuple(candidates),
        refused=tuple(without_quote),
        ways=ways(asked, direct, read),
        leg_cost=leg_cost,
    )


def _worth(lamports: int, mint: Pubkey, pools: Sequence[Pool], clock: ChainClock) -> int:
    """Lamports in base units of a mint, 0 where no pool tells."""
    if mint == WRAPPED_SOL_MINT or not lamports:
        return lamports
    return sol_in(lamports, [pool for pool in pools if set(pool.mints) == {WRAPPED_SOL_MINT, mint}], clock) or 0
