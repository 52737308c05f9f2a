"""One try of a swap, up to its plan: one read of pools, clock and the taker's accounts; the best route; what the order
needs is reserved. `tries` carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot
from engine_app.chain.lookup_tables import without
from engine_app.chain.priority_fees import priority_fee
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    most_ata_size,
    token_account_at,
)
from engine_app.chain.transactions import MAX_COMPUTE_UNITS
from engine_app.execution.building import WALLET_SIZE, contended_accounts, needs, own_accounts
from engine_app.execution.failures import TryFailure
from engine_app.execution.tries import Planned, begin, carry_out, reserve
from engine_app.execution.turn import Turn
from engine_app.markets.errors import NoPool
from engine_app.markets.pools import Snapshot
from engine_app.markets.routing import (
    LEG_UNITS,
    Decision,
    Route,
    Terms,
    decide,
    decide_fitting,
    fits,
    floor_out,
    leg_terms,
)
from engine_app.markets.routing.plan import SwapPlan, swap_instructions, token_programs
from engine_app.markets.routing.price import route_impact
from engine_app.markets.tokens import whole
from engine_app.orders.errors import PRICE_IMPACT, PRICE_MOVED
from engine_app.orders.leases import OwnAddress
from engine_app.orders.lifecycle import MAX_TRIES
from engine_app.orders.models import Order
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.policy import SwapAllowance, SwapLeg

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swap:
    """What an order swaps, as keys and integers."""

    owner: Pubkey
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int


async def trade(turn: Turn) -> None:
    """Make a swap's next try; at the end an attempt is live and watched, or the order waits or has failed.

    Raises:
        RpcUnavailable: no node answered; no try is used up.
        LeaseLost: another worker took the order over; nothing more was written.
        OrderClosed: it was cancelled or expired before anything was signed.
    """
    wallet = await begin(turn)
    planned = await _route(turn, wallet)
    if planned is not None:
        await carry_out(turn, planned)


async def _route(turn: Turn, wallet: OwnAddress) -> Planned | None:
    """Choose the route, fix the floor and reserve the balance; None where the order failed or waits."""
    swap = Swap(
        owner=Pubkey.from_string(wallet.address),
        mint_in=Pubkey.from_string(turn.order.token_in),
        mint_out=Pubkey.from_string(turn.order.token_out),
        amount_in=int(turn.order.amount_in),
    )
    engine, order = turn.engine, turn.order
    try:
        snapshot = await engine.pools.snapshot(
            swap.mint_in, swap.mint_out, extra=_takers_accounts(swap, engine.hubs), through=engine.hubs
        )
    except NoPool as error:
        await turn.fail(NoPool.code, error.detail)
        return None
    tables = engine.lookup_tables.ready
    decision = _decide(turn, swap, snapshot, tables)
    route = decision.route
    if route is None:
        refusals = decision.refusals() or "there is none, and none of those that lead there takes the amount"
        await turn.fail(NoPool.code, f"every pool refuses: {refusals}")
        return None
    quoted = int(order.quoted_out or order.expected_quote or route.amount_out)
    least = int(order.min_amount_out or 0)
    floor = int(order.floor_out) if order.floor_out is not None else floor_out(quoted, order.slippage, at_least=least)
    routing: dict[str, Any] = {
        "not_before": None,
        "quoted_out": Decimal(quoted),
        "floor_out": Decimal(floor),
        "selected_dex": route.dex.value,
        "decision": decision.as_json(order.decimals_in, order.decimals_out),
        "waiting_for": None,
    }
    log.info(
        "order.decided",
        pools=[str(leg.pool.address) for leg in route.legs],
        dex=route.dex.value,
        amount_out=route.amount_out,
        quotes=routing["decision"]["dexQuotes"],
        slot=snapshot.slot,
    )
    if not await _acceptable(turn, route, routing, floor=floor, slot=snapshot.slot):
        return None
    rent = await engine.rents.exemption(TOKEN_ACCOUNT_SIZE)
    plan = _plan(swap, snapshot, leg_terms(route, order.slippage, floor), rent=rent)
    bid = engine.priority_fees.price(contended_accounts(plan))
    if not await _reserve(turn, swap, snapshot, plan, routing, bid=bid):
        return None
    return Planned(
        instructions=tuple(swap_instructions(plan)),
        allowed=_allowance(turn, wallet, swap, plan),
        quoted_out=route.amount_out,
        min_out=plan.min_out,
        dex=route.dex.value,
        slot=snapshot.slot,
        bid=bid,
        lookup_tables=() if not tables or fits(route) else without(tables, own_accounts(plan)),
    )


def _decide(turn: Turn, swap: Swap, snapshot: Snapshot, tables: Sequence[AddressLookupTableAccount]) -> Decision:
    """The route that pays most of those that one transaction holds, a leg's cost being what is bid for its pools."""
    engine = turn.engine

    def fitting(price: int) -> Decision:
        decided = partial(
            decide,
            clock=snapshot.clock,
            mint_in=swap.mint_in,
            mint_out=swap.mint_out,
            amount_in=swap.amount_in,
            refused=snapshot.refused,
            slippage=turn.order.slippage,
            hubs=engine.hubs,
            leg_lamports=min(engine.settings.max_priority_fee, priority_fee(LEG_UNITS, price)),
            max_price_impact=turn.order.max_price_impact,
        )
        return decide_fitting(
            snapshot.pools, lambda pools, legs: decided(pools, max_legs=legs), lambda route: fits(route, tables)
        )

    least = engine.settings.compute_unit_price
    decision = fitting(least)
    if decision.route is None or len(decision.route.legs) == 1:
        return decision
    plan = _plan(swap, snapshot, leg_terms(decision.route, Decimal(0), 0), rent=0)
    bid = engine.priority_fees.price(contended_accounts(plan))
    return decision if bid == least else fitting(bid)


async def _acceptable(turn: Turn, route: Route, routing: dict[str, Any], *, floor: int, slot: int) -> bool:
    """Whether the route pays the floor and moves prices no more than the order allows; else the try or order ends."""
    order = turn.order
    if route.amount_out < floor:
        await turn.advance("routed", {"slot": slot}, **routing)
        await turn.not_sent(
            TryFailure(
                PRICE_MOVED,
                f"the best price pays {_tokens(route.amount_out, order)}, below the floor of {_tokens(floor, order)}",
                curable=True,
            ),
            quoted_out=Decimal(route.amount_out),
            selected_dex=route.dex.value,
        )
        return False
    impact = route_impact(route)
    if impact > order.max_price_impact:
        await turn.advance("routed", {"slot": slot}, **routing)
        await turn.fail(
            PRICE_IMPACT,
            f"the swap would move the price by {_percent(impact)}, the order allows {_percent(order.max_price_impact)}",
        )
        return False
    return True


def _plan(swap: Swap, snapshot: Snapshot, terms: tuple[Terms, ...], *, rent: int) -> SwapPlan:
    held = snapshot.accounts.accounts
    return SwapPlan(
        owner=swap.owner,
        attempt_id=uuid4(),
        terms=terms,
        amount_in=swap.amount_in,
        token_account_rent=rent,
        opens=tuple(
            mint
            for mint, program in token_programs(terms).items()
            if mint not in (swap.mint_in, WRAPPED_SOL_MINT)
            and token_account_at(held, ata(swap.owner, mint, program)) is None
        ),
    )


async def _reserve(
    turn: Turn, swap: Swap, snapshot: Snapshot, plan: SwapPlan, routing: dict[str, Any], *, bid: int
) -> bool:
    """Reserve what the swap needs at worst; False where the order failed."""
    engine, order = turn.engine, turn.order
    per_try = min(engine.settings.max_priority_fee, priority_fee(MAX_COMPUTE_UNITS, bid))
    opened = [most_ata_size(plan.token_programs[mint]) for mint in plan.opens]
    wanted = needs(
        plan,
        opening_rent=sum([await engine.rents.exemption(size) for size in opened]),
        wallet_rent=await engine.rents.exemption(WALLET_SIZE),
        priority_fee=per_try,
        tries=MAX_TRIES - order.tries,
    )
    return await reserve(
        turn,
        wanted=wanted,
        balances=_balances(swap, plan, snapshot.accounts),
        balances_slot=snapshot.accounts.slot,
        slot=snapshot.slot,
        min_out=plan.min_out,
        **routing,
    )


def _allowance(turn: Turn, wallet: OwnAddress, swap: Swap, plan: SwapPlan) -> SwapAllowance:
    """What the order asks for, against which the legs of the plan have to stand."""
    return SwapAllowance(
        owner=swap.owner,
        derivation_index=wallet.derivation_index,
        attempt_id=plan.attempt_id,
        mint_in=swap.mint_in,
        mint_out=swap.mint_out,
        amount_in=swap.amount_in,
        min_out=plan.min_out,
        legs=tuple(
            SwapLeg(of.leg.mint_in, of.leg.mint_out, of.amount_in, of.amount_out, of.leg.exact_out) for of in plan.terms
        ),
        token_programs=plan.token_programs,
        max_rent=plan.token_account_rent,
        max_priority_fee=turn.engine.settings.max_priority_fee,
        venues=turn.engine.venues,
    )


def _takers_accounts(swap: Swap, hubs: Sequence[Pubkey]) -> list[Pubkey]:
    """The wallet, its token accounts of both sides, for either token program that may own the mint, and those of mints
    in between."""
    tokens = [mint for mint in (swap.mint_in, swap.mint_out) if mint != WRAPPED_SOL_MINT]
    between = [hub for hub in hubs if hub not in (swap.mint_in, swap.mint_out, WRAPPED_SOL_MINT)]
    programs = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
    return [
        swap.owner,
        *(ata(swap.owner, mint, program) for mint in tokens for program in programs),
        *(ata(swap.owner, mint, TOKEN_PROGRAM) for mint in between),
    ]


def _balances(swap: Swap, plan: SwapPlan, read: AccountsAtSlot) -> dict[str, int]:
    wallet = read.accounts.get(swap.owner)
    balances = {str(WRAPPED_SOL_MINT): 0 if wallet is None else wallet.lamports}
    if swap.mint_in != WRAPPED_SOL_MINT:
        held = token_account_at(read.accounts, ata(swap.owner, swap.mint_in, plan.token_programs[swap.mint_in]))
        balances[str(swap.mint_in)] = 0 if held is None else held.amount
    return balances


def _tokens(units: int, order: Order) -> str:
    return f"{whole(units, order.decimals_out):,f}"


def _percent(fraction: Decimal) -> str:
    return f"{fraction * 100:.2f} %"
