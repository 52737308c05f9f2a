"""What a swap would pay now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine_app.markets.errors import NoPool
from engine_app.markets.in_flight import InFlight
from engine_app.markets.pools import Pools, Snapshot
from engine_app.markets.routing import Decision, decide, floor_out
from engine_app.markets.tokens import Token, TokenList
from engine_app.markets.venues.venue import Dex

SHARED_SECONDS = 0.2
"""How long a snapshot serves further quotes of its pair: one slot of the fastest cluster."""


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quote.

    Attributes:
        token_in, token_out: the pair.
        amount_in, amount_out: base units; what would be paid, and received net of every fee.
        min_out: base units; the least that an order with this slippage accepts.
        dex_quotes: each exchange's best price, tokenOut per tokenIn in whole tokens, net of pool fees, or None.
        selected_dex: the exchange that pays most.
        price_impact: fraction lost against the pool's marginal price, fees included.
        slot: at which the pools were read.
        decision: every pool that was asked.
    """

    token_in: Token
    token_out: Token
    amount_in: int
    amount_out: int
    min_out: int
    dex_quotes: Mapping[Dex, Decimal | None]
    selected_dex: Dex
    price_impact: Decimal
    slot: int
    decision: Decision


class Quotes:
    """Quotes for people and programs. They read no wallet and reserve nothing."""

    def __init__(self, pools: Pools, tokens: TokenList) -> None:
        self._pools = pools
        self._tokens = tokens
        self._reads: InFlight[frozenset[Token], Snapshot] = InFlight()
        self._recent: dict[frozenset[Token], tuple[float, Snapshot]] = {}

    async def quote(self, token_in: str, token_out: str, amount_in: int, slippage: Decimal) -> QuoteView:
        """What the best pool pays.

        Args:
            token_in, token_out: symbols or mint addresses.
            amount_in: base units of `token_in`.
            slippage: a fraction, 0.01 for 1 %.

        Raises:
            UnknownToken: a token is not listed.
            NoPool: the pair has no pool, or none takes the amount.
            RpcUnavailable: no node answers.
        """
        paid, received = self._tokens.resolve(token_in), self._tokens.resolve(token_out)
        if paid == received:
            raise NoPool(f"no pool swaps {paid.symbol} for itself")
        snapshot = await self._snapshot(paid, received)
        decision = decide(
            snapshot.pools,
            clock=snapshot.clock,
            mint_in=paid.mint,
            mint_out=received.mint,
            amount_in=amount_in,
            refused=snapshot.refused,
        )
        best = decision.best
        if best is None:
            raise NoPool(f"every pool of {paid.symbol} and {received.symbol} refuses: {decision.refusals()}")
        return QuoteView(
            token_in=paid,
            token_out=received,
            amount_in=amount_in,
            amount_out=best.amount_out,
            min_out=floor_out(best.amount_out, slippage),
            dex_quotes=decision.dex_quotes(paid.decimals, received.decimals),
            selected_dex=best.dex,
            price_impact=best.price_impact,
            slot=snapshot.slot,
            decision=decision,
        )

    async def _snapshot(self, token_in: Token, token_out: Token) -> Snapshot:
        """The pair's pools as they were at most `SHARED_SECONDS` ago."""
        pair = frozenset((token_in, token_out))
        now = asyncio.get_running_loop().time()
        recent = self._recent.get(pair)
        if recent is not None and now - recent[0] < SHARED_SECONDS:
            return recent[1]
        return await self._reads.share(pair, lambda: self._read(pair, token_in, token_out))

    async def _read(self, pair: frozenset[Token], token_in: Token, token_out: Token) -> Snapshot:
        began = asyncio.get_running_loop().time()
        snapshot = await self._pools.snapshot(token_in.mint, token_out.mint)
        self._recent[pair] = (began, snapshot)
        return snapshot
