"""Routes on the real programs: what a route pays is never less than the best single pool would, to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import uuid4

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.accounts import Account
from engine_app.chain.fills import Fill, read_fill
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_PROGRAM, ata, wrapped_sol_address
from engine_app.chain.transactions import with_margin
from engine_app.localnet.server import Localnet
from engine_app.markets.pools import Pools, Snapshot
from engine_app.markets.routing import Decision, Leg, Route, decide, decide_fitting, fits, leg_terms
from engine_app.markets.routing.plan import SwapPlan, swap_instructions
from engine_app.markets.tokens import TokenList
from engine_app.markets.venues.venue import Pool, Venue
from tests.markets.conftest import put
from tests.markets.taker import Taker
from tests.markets.venues.vectors import State, load, state
from tests_real.conftest import LOCALNET
from tests_real.test_swaps import PLENTY, POOLS, RENT

TOKENS = TokenList(LOCALNET)
SOL, USDC, USDT, BONK = (TOKENS.resolve(symbol).mint for symbol in ("SOL", "USDC", "USDT", "BONK"))
SLIPPAGE = Decimal("0.01")
SIZES = {
    ("SOL", "USDC"): ("0.1", "50", "5000", "500", "50"),
    ("USDC", "SOL"): ("20", "10000", "1000000", "100000", "1000"),
    ("USDC", "USDT"): ("100", "10000", "1000000", "10000"),
    ("USDT", "USDC"): ("100", "10000", "1000000", "10000"),
    ("SOL", "BONK"): ("1", "500", "50", "5"),
    ("BONK", "SOL"): ("1000000", "5000000000", "500000000", "5000000"),
    ("USDT", "SOL"): ("100", "50000", "5000"),
    ("BONK", "USDT"): ("1000000", "500000000"),
    ("USDT", "BONK"): ("50", "20000"),
}
"""Amounts in whole tokens by pair; a large one brings prices together, so that smaller ones after it are split.
No pool swaps BONK for USDT."""


def measured_pools() -> list[tuple[Venue, State]]:
    """Those of the swaps' tests whose tokens are all listed, with their venue as the build at hand quotes it."""
    listed = {token.mint for token in TOKENS.all()}
    found = [(load(name).venue, state(name, label)) for name, label in POOLS]
    return [(venue, each) for venue, each in found if {each.cases[0].mint_in, each.cases[0].mint_out} <= listed]


@dataclass(frozen=True)
class Trade:
    """One order: what was decided, and what it moved."""

    decision: Decision
    fill: Fill


class Street:
    """Measured pools of all venues on one chain beside the seeded ones, and a taker with plenty of every token."""

    def __init__(self, chain: Localnet, rpc: Rpc) -> None:
        self.chain = chain
        self.rpc = rpc
        self.taker = Taker(rpc)
        self.pools = Pools(rpc, LOCALNET, refresh_seconds=3600)

    async def open(self) -> None:
        """Put the pools there, and what the taker has."""
        accounts = {self.taker.address: Account(Pubkey.default(), PLENTY, b"")}
        mints = {token.mint for token in TOKENS.all()}
        for _, each in measured_pools():
            accounts |= {key: account for key, account in each.accounts.items() if key not in mints}
        for mint in (USDC, USDT, BONK):
            data = bytes(mint) + bytes(self.taker.address) + PLENTY.to_bytes(8, "little") + bytes(36) + b"\x01"
            accounts[ata(self.taker.address, mint, TOKEN_PROGRAM)] = Account(TOKEN_PROGRAM, RENT, data + bytes(56))
        await put(self.chain, accounts)

    async def trade(self, mint_in: Pubkey, mint_out: Pubkey, amount: int) -> Trade:
        """Carry out the route that pays most, once the best single pool was seen to pay what it is quoted at."""
        hubs = TOKENS.hubs()
        snapshot = await self._as_built(await self.pools.snapshot(mint_in, mint_out, through=hubs))

        def decided(pools: Sequence[Pool], legs: int) -> Decision:
            return decide(
                pools,
                clock=snapshot.clock,
                mint_in=mint_in,
                mint_out=mint_out,
                amount_in=amount,
                slippage=SLIPPAGE,
                max_legs=legs,
                hubs=hubs,
            )

        decision = decide_fitting(snapshot.pools, decided, fits)
        assert decision.route is not None
        if decision.best is not None:
            await self._proves_single(snapshot, decision, amount)
        return Trade(decision, await self._carry_out(decision.route))

    async def _as_built(self, snapshot: Snapshot) -> Snapshot:
        """The pools as the builds at hand quote them."""
        pools = {pool.address: pool for pool in snapshot.pools}
        for venue, measured in measured_pools():
            address = measured.cases[0].pool
            if address in pools:
                read = await self.rpc.accounts([address])
                needed = venue.needed_accounts(address, measured.accounts)
                rest = await self.rpc.accounts(needed)
                pools[address] = venue.decode(address, {**read.accounts, **rest.accounts})
        return replace(snapshot, pools=tuple(pools.values()))

    async def _proves_single(self, snapshot: Snapshot, decision: Decision, amount: int) -> None:
        """Simulated, the best single pool pays its quote and not a unit more."""
        best = decision.best
        assert best is not None
        pool = next(pool for pool in snapshot.pools if pool.address == best.pool)
        quote = pool.quote_exact_in(decision.mint_in, amount, snapshot.clock)
        leg = Leg(pool, decision.mint_in, decision.mint_out, quote)
        for more, fails in ((0, False), (1, True)):
            plan = await self._plan(Route(((leg,),), amount), more=more)
            simulation = await self.taker.simulate(swap_instructions(plan))
            assert (simulation.error is not None) == fails, (best.venue, simulation.logs)

    async def _plan(self, route: Route, *, more: int = 0) -> SwapPlan:
        terms = leg_terms(route, SLIPPAGE, route.amount_out)
        if more:
            (only,) = terms
            terms = (type(only)(only.leg, only.amount_in, only.amount_out + more),)
        rent = await self.rpc.rent_exemption(165)
        return SwapPlan(self.taker.address, uuid4(), terms, route.amount_in, rent, ())

    async def _carry_out(self, route: Route) -> Fill:
        plan = await self._plan(route)
        steps = swap_instructions(plan)
        simulation = await self.taker.simulate(steps)
        assert simulation.error is None, simulation.logs
        signature: Signature = await self.taker.send(steps, compute_unit_limit=with_margin(simulation.units))
        landed = await self.rpc.transaction(signature)
        assert landed is not None
        return read_fill(
            landed,
            owner=self.taker.address,
            mint_in=plan.mint_in,
            mint_out=plan.mint_out,
            wrapped_sol=None if plan.wrapped_sol is None else wrapped_sol_address(self.taker.address, plan.attempt_id),
        )


@pytest.fixture
async def street(chain: Localnet, rpc: Rpc) -> Street:
    """All measured pools of listed tokens."""
    opened = Street(chain, rpc)
    await opened.open()
    return opened


@pytest.mark.parametrize("pair", SIZES, ids="-".join)
async def test_a_route_never_pays_less_than_the_best_single_pool(
    street: Street, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    paid, got = (TOKENS.resolve(symbol) for symbol in pair)
    for whole in SIZES[pair]:
        amount = int(Decimal(whole).scaleb(paid.decimals))
        trade = await street.trade(paid.mint, got.mint, amount)
        decision, fill = trade.decision, trade.fill
        assert decision.way is not None
        alone = 0 if decision.best is None else decision.best.amount_out
        with capsys.disabled():
            print("\n" + told(f"{whole:>10} {pair[0]} for {pair[1]}", decision, fill), end="")
        assert fill.received == decision.way.route.amount_out >= alone
        assert fill.spent <= amount
        assert fill.unexplained == 0
        if len(decision.way.route.hops) == 1:
            assert fill.spent == amount


def told(asked: str, decision: Decision, fill: Fill) -> str:
    """One line: what was asked, what the best single pool pays, what arrived by which way."""
    assert decision.way is not None
    alone = 0 if decision.best is None else decision.best.amount_out
    more = f"{Decimal(10_000 * (fill.received - alone)) / alone:.3f} bp more" if alone else "no pool alone"
    legs = " + ".join(f"{leg.pool.venue} {leg.amount_in}" for leg in decision.way.route.legs)
    return f"{asked}: {alone} alone, {fill.received} by {decision.way.kind.value} ({more}; {legs})"
