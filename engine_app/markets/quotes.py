"""What a swap would pay now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from time import monotonic

from solders.pubkey import Pubkey

from engine_app.chain.in_flight import InFlight
from engine_app.chain.lookup_tables import LookupTables
from engine_app.chain.slot_clock import SlotClock
from engine_app.markets.errors import NoPool
from engine_app.markets.pools import LastSearch, Pools, Snapshot
from engine_app.markets.routing import Decision, Route, decide, decide_fitting, fits, floor_out
from engine_app.markets.routing.price import route_impact, route_price
from engine_app.markets.routing.sizes import PriceBySize, price_by_size
from engine_app.markets.tokens import Token, TokenLookup
from engine_app.markets.venues.venue import Dex

MOST_KEPT = 256
"""Pairs of which a snapshot is kept at a time."""
MOST_DECISIONS = 64
"""Decisions that are kept with a snapshot, for those who ask the same."""


@dataclass(frozen=True, slots=True)
class Age:
    """How old something is that was read from the chain: seconds since the read began, and slots as far as their pace
    tells."""

    seconds: float
    slots: int


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quote.

    Attributes:
        token_in, token_out: the pair; each carries its warnings.
        amount_in, amount_out: base units; what would be paid, and received net of every fee.
        min_out: base units; the least that an order with this slippage accepts.
        dex_quotes: each exchange's best price, tokenOut per tokenIn in whole tokens, net of pool fees, or None.
        price: tokenOut per tokenIn that is taken, in whole tokens, net of every fee.
        selected_dex: the exchange of the larger part of the route.
        price_impact: fraction lost against the route's marginal price, fees included.
        slot: at which the pools were read.
        age: how long ago that was.
        last_search: when the chain was last searched for pools of the pair, None where that is not known.
        route: the swaps that pay it.
        decision: every way and every pool that was asked.
        snapshot: what they held.
    """

    token_in: Token
    token_out: Token
    amount_in: int
    amount_out: int
    min_out: int
    price: Decimal
    dex_quotes: Mapping[Dex, Decimal | None]
    selected_dex: Dex
    price_impact: Decimal
    slot: int
    age: Age
    last_search: LastSearch | None
    route: Route
    decision: Decision
    snapshot: Snapshot

    def by_size(self) -> PriceBySize:
        """What each exchange pays for smaller and larger amounts, from the same reading of the pools."""
        return price_by_size(
            self.snapshot.pools,
            clock=self.snapshot.clock,
            mint_in=self.token_in.mint,
            mint_out=self.token_out.mint,
            around=self.amount_in,
        )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A snapshot, the moment when its read began, and what was decided on it: by mint in, amount in and slippage."""

    snapshot: Snapshot
    at: float
    decided: dict[tuple[Pubkey, int, Decimal], Decision] = field(default_factory=dict)


class Quotes:
    """Quotes for people and programs. They read no wallet and reserve nothing.

    A pair's pools are read once a slot, however many ask, and what is asked again is not decided again.
    """

    def __init__(
        self,
        pools: Pools,
        lookup: TokenLookup,
        tables: LookupTables,
        *,
        leg_lamports: int,
        max_price_impact: Decimal = Decimal(1),
    ) -> None:
        """
        Args:
            pools: of the chain.
            lookup: of tokens.
            tables: lookup tables that orders may use.
            leg_lamports: what a further leg of a route costs at the least price for compute units.
            max_price_impact: a fraction; routes that move prices more are told only where there are no others.
        """
        self._pools = pools
        self._lookup = lookup
        self._tables = tables
        self._leg_lamports = leg_lamports
        self._max_price_impact = max_price_impact
        self._slots = SlotClock()
        self._reads: InFlight[tuple[frozenset[Pubkey], bool], _Taken] = InFlight()
        self._recent: OrderedDict[frozenset[Pubkey], _Taken] = OrderedDict()

    async def quote(
        self, token_in: str, token_out: str, amount_in: int, slippage: Decimal, *, discover: bool = True
    ) -> QuoteView:
        """What the best route pays.

        Args:
            token_in, token_out: symbols or mint addresses.
            amount_in: base units of `token_in`.
            slippage: a fraction, 0.01 for 1 %.
            discover: look on the chain for a token or a pair that no process knows.

        Raises:
            UnknownToken, TokenNotAllowed: a token is none, or none that may be traded here.
            SearchNeedsLogin: a token or the pair is not known, and may not be looked for.
            NoPool: the pair has no pool, or none takes the amount.
            RpcUnavailable, RpcRefused: no node answers.
        """
        paid = await self._lookup.find(token_in, discover=discover)
        received = await self._lookup.find(token_out, discover=discover)
        if paid == received:
            raise NoPool(f"no pool swaps {paid.symbol} for itself")
        taken = await self._taken(paid.mint, received.mint, discover=discover)
        snapshot = taken.snapshot
        decision = self._decision(taken, paid.mint, received.mint, amount_in, slippage)
        route = decision.route
        if route is None:
            refusals = decision.refusals() or "there is none, and none of those that lead there takes the amount"
            raise NoPool(f"every pool of {paid.symbol} and {received.symbol} refuses: {refusals}")
        return QuoteView(
            token_in=paid,
            token_out=received,
            amount_in=amount_in,
            amount_out=route.amount_out,
            min_out=floor_out(route.amount_out, slippage),
            price=route_price(route, paid.decimals, received.decimals),
            dex_quotes=decision.dex_quotes(paid.decimals, received.decimals),
            selected_dex=route.dex,
            price_impact=route_impact(route),
            slot=snapshot.slot,
            age=self._age(taken),
            last_search=self._pools.last_search(paid.mint, received.mint),
            route=route,
            decision=decision,
            snapshot=snapshot,
        )

    def _decision(
        self, taken: _Taken, mint_in: Pubkey, mint_out: Pubkey, amount_in: int, slippage: Decimal
    ) -> Decision:
        """The route that pays most of those that one transaction holds; decided once, however many ask the same."""
        wanted = (mint_in, amount_in, slippage)
        known = taken.decided.get(wanted)
        if known is not None:
            return known
        decide_with = partial(
            decide,
            clock=taken.snapshot.clock,
            mint_in=mint_in,
            mint_out=mint_out,
            amount_in=amount_in,
            refused=taken.snapshot.refused,
            slippage=slippage,
            hubs=self._lookup.listed.hubs(),
            leg_lamports=self._leg_lamports,
            max_price_impact=self._max_price_impact,
        )
        decision = decide_fitting(
            taken.snapshot.pools,
            lambda pools, legs: decide_with(pools, max_legs=legs),
            lambda route: fits(route, self._tables.ready),
        )
        if len(taken.decided) < MOST_DECISIONS:
            taken.decided[wanted] = decision
        return decision

    async def _taken(self, mint_in: Pubkey, mint_out: Pubkey, *, discover: bool) -> _Taken:
        """The pair's pools as they were at most a slot ago."""
        pair = frozenset((mint_in, mint_out))
        recent = self._recent.get(pair)
        if recent is not None and (monotonic() - recent.at) * 1000 < self._slots.slot_ms:
            return recent
        return await self._reads.share((pair, discover), lambda: self._take(mint_in, mint_out, discover=discover))

    async def _take(self, mint_in: Pubkey, mint_out: Pubkey, *, discover: bool) -> _Taken:
        began = monotonic()
        hubs = self._lookup.listed.hubs()
        snapshot = await self._pools.snapshot(mint_in, mint_out, through=hubs, discover=discover)
        self._slots.saw_slot(snapshot.slot, monotonic())
        pair = frozenset((mint_in, mint_out))
        taken = self._recent[pair] = _Taken(snapshot, began)
        self._recent.move_to_end(pair)
        if len(self._recent) > MOST_KEPT:
            self._recent.popitem(last=False)
        return taken

    def _age(self, taken: _Taken) -> Age:
        now = monotonic()
        since_newest = int(self._slots.seconds_since_slot(now) * 1000 / self._slots.slot_ms)
        return Age(now - taken.at, self._slots.slot - taken.snapshot.slot + since_newest)
