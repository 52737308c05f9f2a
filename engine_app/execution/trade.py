"""One try of a swap, from the snapshot to the first send.

    routing    one read: pools, clock, the taker's accounts; the best pool; what the order needs is reserved
    building   the transaction is simulated unsigned
    submitted  signed as the last act, committed, and only then sent

Nothing here waits: the watcher follows what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from secrets import randbelow
from typing import Any
from uuid import uuid4

from solders.message import MessageV0
from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot
from engine_app.chain.answers import Blockhash
from engine_app.chain.landing import LiveAttempt
from engine_app.chain.priority_fees import capped_price
from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    TOKEN_PROGRAM,
    WRAPPED_SOL_MINT,
    ata,
    decode_token_account,
)
from engine_app.chain.transactions import MAX_COMPUTE_UNITS, compose, unsigned_bytes, with_margin
from engine_app.execution.building import (
    WALLET_SIZE,
    SwapPlan,
    contended_accounts,
    needs,
    priority_fee,
    swap_instructions,
)
from engine_app.execution.failures import TryFailure, read_failure
from engine_app.execution.turn import Turn, landing_wait
from engine_app.markets.errors import NoPool
from engine_app.markets.pools import Snapshot
from engine_app.markets.routing import decide, floor_out
from engine_app.markets.tokens import whole
from engine_app.markets.venues.venue import Pool
from engine_app.orders import attempts, reservations
from engine_app.orders.errors import INSUFFICIENT_FUNDS, PRICE_IMPACT, PRICE_MOVED
from engine_app.orders.lifecycle import MAX_TRIES, Status, WaitReason
from engine_app.orders.models import Attempt, Order
from engine_app.telemetry.logging import get_logger
from engine_app.wallets import repository as wallets
from engine_app.wallets.models import Wallet
from engine_app.wallets.policy import SwapAllowance

SPARE_COMPUTE_UNITS = 10_000
"""Most units by which the limits of two transactions that are otherwise the same are set apart."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Swap:
    """What an order swaps, as keys and integers."""

    owner: Pubkey
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int


@dataclass(frozen=True, slots=True)
class Routed:
    """A try that found its pool and has its balance reserved."""

    plan: SwapPlan
    quoted_out: int
    dex: str
    slot: int
    """The slot of the snapshot: a node that lags behind it must not judge the transaction."""
    bid: int
    """Priority fee, micro-lamports per compute unit: the one that was reserved for."""


@dataclass(frozen=True, slots=True)
class Built:
    """A try that was simulated and may be signed."""

    message: MessageV0
    blockhash: Blockhash
    compute_unit_limit: int
    compute_unit_price: int


async def trade(turn: Turn) -> None:
    """Make the order's next try; at the end an attempt is live and watched, or the order waits or has failed.

    Raises:
        RpcUnavailable: no node answered; no try is used up.
        LeaseLost: another worker took the order over; nothing more was written.
        OrderClosed: it was cancelled or expired before anything was signed.
    """
    engine = turn.engine
    async with engine.database.transaction() as session:
        wallet = await wallets.wallet_by_id(session, turn.order.wallet_id)
    swap = Swap(
        owner=Pubkey.from_string(wallet.address),
        mint_in=Pubkey.from_string(turn.order.token_in),
        mint_out=Pubkey.from_string(turn.order.token_out),
        amount_in=int(turn.order.amount_in),
    )
    # An order that waits for a node says so until one answers.
    waits_for_node = (turn.order.waiting_for or {}).get("reason") == WaitReason.NODE
    if turn.order.status != Status.ROUTING or (turn.order.waiting_for is not None and not waits_for_node):
        await turn.advance(
            "routing", {"try": turn.order.tries + 1}, status=Status.ROUTING.value, waiting_for=None, not_before=None
        )
    routed = await _route(turn, swap)
    if routed is None:
        return
    built = await _build(turn, routed)
    if built is None:
        return
    while True:
        try:
            await _submit(turn, wallet, swap, routed, built)
        except attempts.SignatureTaken:
            built = _told_apart(built, routed, engine.settings.max_priority_fee)
        else:
            return


async def _route(turn: Turn, swap: Swap) -> Routed | None:
    """Choose the pool, fix the floor and reserve the balance; None where the order failed or waits."""
    try:
        snapshot = await turn.engine.pools.snapshot(swap.mint_in, swap.mint_out, extra=_takers_accounts(swap))
    except NoPool as error:
        await turn.fail(NoPool.code, error.detail)
        return None
    decision = decide(
        snapshot.pools,
        clock=snapshot.clock,
        mint_in=swap.mint_in,
        mint_out=swap.mint_out,
        amount_in=swap.amount_in,
        refused=snapshot.refused,
    )
    best = decision.best
    if best is None:
        await turn.fail(NoPool.code, "every pool refuses: " + decision.refusals())
        return None
    order = turn.order
    quoted = int(order.quoted_out or order.expected_quote or best.amount_out)
    floor = int(order.floor_out) if order.floor_out is not None else floor_out(quoted, order.slippage)
    routing: dict[str, Any] = {
        "not_before": None,
        "quoted_out": Decimal(quoted),
        "floor_out": Decimal(floor),
        "selected_dex": best.dex.value,
        "decision": decision.as_json(order.decimals_in, order.decimals_out),
        "waiting_for": None,
    }
    log.info(
        "order.decided",
        pool=str(best.pool),
        dex=best.dex.value,
        amount_out=best.amount_out,
        quotes=routing["decision"]["dexQuotes"],
        slot=snapshot.slot,
    )
    if best.amount_out < floor:
        await turn.advance("routed", {"slot": snapshot.slot}, **routing)
        await turn.not_sent(
            TryFailure(
                PRICE_MOVED,
                f"the best price pays {_tokens(best.amount_out, order)}, below the floor of {_tokens(floor, order)}",
                curable=True,
            ),
            quoted_out=Decimal(best.amount_out),
            selected_dex=best.dex.value,
        )
        return None
    if best.price_impact > order.max_price_impact:
        await turn.advance("routed", {"slot": snapshot.slot}, **routing)
        await turn.fail(
            PRICE_IMPACT,
            f"the swap would move the price by {_percent(best.price_impact)}, "
            f"the order allows {_percent(order.max_price_impact)}",
        )
        return None
    pool = next(pool for pool in snapshot.pools if pool.address == best.pool)
    rent = await turn.engine.rents.exemption(TOKEN_ACCOUNT_SIZE)
    plan = _plan(swap, snapshot, pool, rent=rent, min_out=max(floor, floor_out(best.amount_out, order.slippage)))
    bid = turn.engine.priority_fees.price(contended_accounts(plan))
    if not await _reserve(turn, swap, snapshot, plan, routing, bid=bid):
        return None
    return Routed(plan, quoted_out=best.amount_out, dex=best.dex.value, slot=snapshot.slot, bid=bid)


def _plan(swap: Swap, snapshot: Snapshot, pool: Pool, *, rent: int, min_out: int) -> SwapPlan:
    destination = ata(swap.owner, swap.mint_out, pool.token_program(swap.mint_out))
    return SwapPlan(
        owner=swap.owner,
        attempt_id=uuid4(),
        pool=pool,
        mint_in=swap.mint_in,
        mint_out=swap.mint_out,
        amount_in=swap.amount_in,
        min_out=min_out,
        token_account_rent=rent,
        opens_destination=swap.mint_out != WRAPPED_SOL_MINT and destination not in snapshot.accounts.accounts,
    )


async def _reserve(
    turn: Turn, swap: Swap, snapshot: Snapshot, plan: SwapPlan, routing: dict[str, Any], *, bid: int
) -> bool:
    """Reserve what the swap needs and go on to building, in one transaction; False where the order failed."""
    engine, order = turn.engine, turn.order
    per_try = min(engine.settings.max_priority_fee, priority_fee(MAX_COMPUTE_UNITS, bid))
    wanted = needs(
        mint_in=swap.mint_in,
        mint_out=swap.mint_out,
        amount_in=swap.amount_in,
        opens_destination=plan.opens_destination,
        token_account_rent=plan.token_account_rent,
        wallet_rent=await engine.rents.exemption(WALLET_SIZE),
        priority_fee=per_try,
        tries=MAX_TRIES - order.tries,
    )
    async with turn.transaction() as session:
        await turn.advance(
            "routed",
            {"slot": snapshot.slot, "try": order.tries + 1},
            session=session,
            status=Status.BUILDING.value,
            min_out=Decimal(plan.min_out),
            **routing,
        )
        missing = await reservations.reserve(
            session,
            order.id,
            order.wallet_id,
            needs=wanted,
            balances=_balances(swap, plan, snapshot.accounts),
            slot=snapshot.accounts.slot,
        )
        if missing:
            await turn.fail(INSUFFICIENT_FUNDS, _shortfall(swap, order, wanted, missing), session=session)
    return not missing


async def _build(turn: Turn, routed: Routed) -> Built | None:
    """Simulate the transaction unsigned and set its compute budget; None where the try is used up."""
    engine = turn.engine
    instructions = swap_instructions(routed.plan)
    probe = unsigned_bytes(
        compose(
            routed.plan.owner,
            instructions,
            blockhash=(await engine.blockhashes.latest()).hash,
            compute_unit_limit=MAX_COMPUTE_UNITS,
            compute_unit_price=0,
        )
    )
    simulation = await engine.rpc.simulate(probe, min_context_slot=routed.slot)
    if simulation.error is not None:
        failure = read_failure(simulation.error, transaction=probe, logs=simulation.logs, venues=engine.venues)
        if failure.curable:
            await turn.not_sent(failure, quoted_out=Decimal(routed.quoted_out), selected_dex=routed.dex)
        else:
            await turn.fail(failure.code, failure.message)
        return None
    limit = with_margin(simulation.units)
    price = capped_price(routed.bid, limit, engine.settings.max_priority_fee)
    blockhash = await engine.blockhashes.latest()
    message = compose(
        routed.plan.owner,
        instructions,
        blockhash=blockhash.hash,
        compute_unit_limit=limit,
        compute_unit_price=price,
    )
    return Built(message, blockhash, compute_unit_limit=limit, compute_unit_price=price)


def _told_apart(built: Built, routed: Routed, max_priority_fee: int) -> Built:
    """The same transaction with a little more room, and so with another signature.

    Between tokens nothing in it is the attempt's own: two orders of a wallet for one swap would be one transaction
    for as long as the blockhash is the same.
    """
    limit = min(built.compute_unit_limit + 1 + randbelow(SPARE_COMPUTE_UNITS), MAX_COMPUTE_UNITS)
    price = capped_price(built.compute_unit_price, limit, max_priority_fee)
    message = compose(
        routed.plan.owner,
        swap_instructions(routed.plan),
        blockhash=built.blockhash.hash,
        compute_unit_limit=limit,
        compute_unit_price=price,
    )
    return Built(message, built.blockhash, compute_unit_limit=limit, compute_unit_price=price)


async def _submit(turn: Turn, wallet: Wallet, swap: Swap, routed: Routed, built: Built) -> None:
    """Sign, commit the attempt, hand it to the watcher and send it: in this order and no other.

    Raises:
        SignatureTaken: another order has signed the very same transaction; nothing was written or sent.
    """
    engine, plan, order = turn.engine, routed.plan, turn.order
    signed = engine.signer.sign(
        built.message,
        SwapAllowance(
            owner=plan.owner,
            derivation_index=wallet.derivation_index,
            attempt_id=plan.attempt_id,
            mint_in=swap.mint_in,
            mint_out=swap.mint_out,
            token_program_in=plan.pool.token_program(swap.mint_in),
            token_program_out=plan.pool.token_program(swap.mint_out),
            amount_in=plan.amount_in,
            min_out=plan.min_out,
            max_rent=plan.token_account_rent,
            max_priority_fee=engine.settings.max_priority_fee,
            venues=engine.venues,
        ),
    )
    attempt = LiveAttempt(
        attempt_id=plan.attempt_id,
        order_id=order.id,
        signature=signed.signatures[0],
        transaction=bytes(signed),
        last_valid_block_height=built.blockhash.last_valid_block_height,
        blockhash_slot=built.blockhash.slot,
    )
    number = order.tries + 1
    async with turn.transaction() as session:
        await turn.advance(
            "submitted",
            {"try": number, "signature": str(attempt.signature)},
            session=session,
            only_open=True,
            status=Status.SUBMITTED.value,
            tries=number,
            tx_hash=str(attempt.signature),
            waiting_for=landing_wait(engine, attempt),
        )
        await attempts.insert_attempt(session, _row(turn, routed, built, attempt, number))
    turn.handed_over = True
    await engine.watcher.send(turn.order, attempt, turn.token)


def _row(turn: Turn, routed: Routed, built: Built, attempt: LiveAttempt, number: int) -> Attempt:
    return Attempt(
        id=attempt.attempt_id,
        order_id=attempt.order_id,
        number=number,
        fencing_token=turn.token,
        quoted_out=Decimal(routed.quoted_out),
        min_out=Decimal(routed.plan.min_out),
        selected_dex=routed.dex,
        compute_unit_limit=built.compute_unit_limit,
        compute_unit_price=built.compute_unit_price,
        signature=str(attempt.signature),
        transaction=attempt.transaction,
        blockhash=str(built.blockhash.hash),
        blockhash_slot=attempt.blockhash_slot,
        last_valid_block_height=attempt.last_valid_block_height,
    )


def _takers_accounts(swap: Swap) -> list[Pubkey]:
    """The wallet and its token accounts of both sides, for either token program that may own the mint."""
    tokens = [mint for mint in (swap.mint_in, swap.mint_out) if mint != WRAPPED_SOL_MINT]
    programs = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
    return [swap.owner, *(ata(swap.owner, mint, program) for mint in tokens for program in programs)]


def _balances(swap: Swap, plan: SwapPlan, read: AccountsAtSlot) -> dict[str, int]:
    wallet = read.accounts.get(swap.owner)
    balances = {str(WRAPPED_SOL_MINT): 0 if wallet is None else wallet.lamports}
    if swap.mint_in != WRAPPED_SOL_MINT:
        held = read.accounts.get(ata(swap.owner, swap.mint_in, plan.pool.token_program(swap.mint_in)))
        balances[str(swap.mint_in)] = 0 if held is None else decode_token_account(held).amount
    return balances


def _shortfall(swap: Swap, order: Order, wanted: dict[str, int], missing: dict[str, int]) -> str:
    sentences = []
    for mint, amount in missing.items():
        decimals, unit = (9, "SOL") if mint == str(WRAPPED_SOL_MINT) else (order.decimals_in, "of the token in")
        sentences.append(
            f"the order needs {whole(wanted[mint], decimals)} {unit} with rents and fees, "
            f"{whole(amount, decimals)} more than is free"
            if unit == "SOL"
            else f"the order needs {whole(wanted[mint], decimals)} {unit}, {whole(amount, decimals)} more than is free"
        )
    return "; ".join(sentences)


def _tokens(units: int, order: Order) -> str:
    return str(whole(units, order.decimals_out))


def _percent(fraction: Decimal) -> str:
    return f"{fraction * 100:.2f} %"
