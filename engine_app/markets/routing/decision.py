"""The best pool for an amount, with every pool that was asked, what it offered and why it lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from solders.pubkey import Pubkey

from engine_app.markets.routing.price import price_impact, token_price
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Dex, Fee, Pool, QuoteRefused


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
        candidates: every pool that offers something, by its offer, the best first.
        refused: every other pool.
    """

    slot: int
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    candidates: tuple[Candidate, ...]
    refused: tuple[RefusedPool, ...]

    @property
    def best(self) -> Candidate | None:
        """The pool that pays most, None where all refuse."""
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

        `route` lists the legs with their shares of the amount in.
        """
        quotes = self.dex_quotes(decimals_in, decimals_out)
        return {
            "slot": self.slot,
            "mintIn": str(self.mint_in),
            "mintOut": str(self.mint_out),
            "amountInUnits": str(self.amount_in),
            "route": [self._leg(self.best)] if self.best else [],
            "dexQuotes": {dex.value: None if price is None else f"{price:f}" for dex, price in quotes.items()},
            "candidates": [self._offer(candidate, decimals_in, decimals_out) for candidate in self.candidates],
            "refused": [
                {
                    "pool": str(refused.pool),
                    "venue": refused.venue,
                    "dex": refused.dex.value,
                    "reason": refused.reason,
                }
                for refused in self.refused
            ],
        }

    def _leg(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "pool": str(candidate.pool),
            "venue": candidate.venue,
            "dex": candidate.dex.value,
            "mintIn": str(self.mint_in),
            "mintOut": str(self.mint_out),
            "share": "1",
            "amountInUnits": str(self.amount_in),
            "amountOutUnits": str(candidate.amount_out),
        }

    def _offer(self, candidate: Candidate, decimals_in: int, decimals_out: int) -> dict[str, Any]:
        price = token_price(self.amount_in, candidate.amount_out, decimals_in, decimals_out)
        return {
            "pool": str(candidate.pool),
            "venue": candidate.venue,
            "dex": candidate.dex.value,
            "amountOutUnits": str(candidate.amount_out),
            "price": f"{price:f}",
            "priceImpact": f"{candidate.price_impact:f}",
            "fees": [
                {"kind": fee.kind.value, "mint": str(fee.mint), "amountUnits": str(fee.amount)}
                for fee in candidate.fees
            ],
            "lost": self._why_lost(candidate),
        }

    def _why_lost(self, candidate: Candidate) -> str | None:
        best = self.candidates[0]
        if candidate is best:
            return None
        less = best.amount_out - candidate.amount_out
        if less == 0:
            return "pays the same; one of the two had to be taken"
        return f"pays {Decimal(100 * less) / best.amount_out:.4f} % less than the best"


def decide(
    pools: Iterable[Pool],
    *,
    clock: ChainClock,
    mint_in: Pubkey,
    mint_out: Pubkey,
    amount_in: int,
    refused: Iterable[RefusedPool] = (),
) -> Decision:
    """Ask every pool for its price and put the best first; the same pools give the same decision in any order.

    Args:
        pools: pools of the pair, read at one slot.
        clock: the chain's clock of that slot.
        mint_in, mint_out: the pair.
        amount_in: base units.
        refused: pools that could not even be read, with the reason.
    """
    candidates: list[Candidate] = []
    without_quote = list(refused)
    for pool in pools:
        try:
            quote = pool.quote_exact_in(mint_in, amount_in, clock)
        except QuoteRefused as refusal:
            without_quote.append(RefusedPool(pool.address, pool.venue, pool.dex, str(refusal)))
            continue
        if quote.amount_out == 0:
            nothing = "too small: the amount buys less than one unit"
            without_quote.append(RefusedPool(pool.address, pool.venue, pool.dex, nothing))
            continue
        candidates.append(
            Candidate(
                pool=pool.address,
                venue=pool.venue,
                dex=pool.dex,
                amount_out=quote.amount_out,
                fees=quote.fees,
                price_impact=price_impact(quote),
            )
        )
    candidates.sort(key=lambda candidate: (-candidate.amount_out, bytes(candidate.pool)))
    without_quote.sort(key=lambda pool: bytes(pool.pool))
    return Decision(
        slot=clock.slot,
        mint_in=mint_in,
        mint_out=mint_out,
        amount_in=amount_in,
        candidates=tuple(candidates),
        refused=tuple(without_quote),
    )
