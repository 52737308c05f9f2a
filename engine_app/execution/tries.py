"""What the tries of every kind of order have in common: how one begins, and the way from its plan to the first send.

routing    the kind's own: it reads the chain, makes its plan, and reserves what the order needs
building   the transaction is simulated unsigned
submitted  signed as the last act, committed, and only then sent
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from secrets import randbelow
from typing import Any

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.signature import Signature

from engine_app.chain.answers import Blockhash
from engine_app.chain.call_counts import counted_apart
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing import LiveAttempt
from engine_app.chain.priority_fees import capped_price
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.chain.transactions import MAX_COMPUTE_UNITS, compose, unsigned_bytes, with_margin
from engine_app.execution.failures import read_failure
from engine_app.execution.turn import Turn, landing_wait
from engine_app.markets.tokens import whole
from engine_app.orders import attempts, reservations
from engine_app.orders.errors import INSUFFICIENT_FUNDS
from engine_app.orders.leases import OwnAddress
from engine_app.orders.lifecycle import Status, WaitReason
from engine_app.orders.models import Order
from engine_app.wallets.policy import Allowance

SPARE_COMPUTE_UNITS = 10_000
"""Most units by which the limits of two transactions that are otherwise the same are set apart."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A try that knows what to do and has its balance reserved.

    Attributes:
        instructions: what its transaction does, in this order.
        allowed: what the signer lets pass for it; the owner and the attempt's id are in it.
        quoted_out, min_out: base units of the token out.
        dex: where it trades; None for what trades nowhere.
        slot: of the read it was planned from: a node that lags behind it must not judge the transaction.
        bid: priority fee, micro-lamports per compute unit: the one that was reserved for.
        most_units: compute units that its transaction cannot exceed.
        exact_fee: the priority fee, lamports, where it must be neither more nor less.
        lookup_tables: tables that its transaction may name accounts by.
    """

    instructions: tuple[Instruction, ...]
    allowed: Allowance
    quoted_out: int
    min_out: int
    dex: str | None
    slot: int
    bid: int
    most_units: int = MAX_COMPUTE_UNITS
    exact_fee: int | None = None
    lookup_tables: tuple[AddressLookupTableAccount, ...] = ()

    def price(self, limit: int, most: int) -> int:
        """Micro-lamports per compute unit for a transaction of this limit, `most` lamports in all at the most.

        Exactly `exact_fee` where there is one: ⌈limit × ⌊fee × 10⁶ / limit⌋ / 10⁶⌉ = fee for limits up to 10⁶.
        """
        if self.exact_fee is not None:
            return self.exact_fee * 1_000_000 // limit
        return capped_price(self.bid, limit, most)


@dataclass(frozen=True, slots=True)
class Built:
    """A try that was simulated and may be signed."""

    message: MessageV0
    blockhash: Blockhash
    compute_unit_limit: int
    compute_unit_price: int


async def begin(turn: Turn) -> OwnAddress:
    """Go on to routing, where the order is not there already; its wallet."""
    # An order that waits for a node says so until one answers.
    waits_for_node = (turn.order.waiting_for or {}).get("reason") == WaitReason.NODE
    if turn.order.status != Status.ROUTING or (turn.order.waiting_for is not None and not waits_for_node):
        await turn.advance(
            "routing", {"try": turn.order.tries + 1}, status=Status.ROUTING.value, waiting_for=None, not_before=None
        )
    return turn.wallet


async def reserve(
    turn: Turn,
    *,
    wanted: Mapping[str, int],
    balances: Mapping[str, int],
    balances_slot: int,
    slot: int,
    min_out: int,
    **routing: Any,
) -> bool:
    """Reserve what the try needs and go on to building, in one transaction; False where the order failed.

    What another order's transaction has spent already is counted twice until that order is written as confirmed: once
    in the balances, and once as reserved. So an order that seems to be short waits while there is such a transaction.

    Args:
        turn: of the order.
        wanted: base units per mint; lamports under wrapped SOL's mint.
        balances: of the wallet, in the same way.
        balances_slot: of the read that gave them.
        slot: of the newest of what the try was planned from.
        min_out: the least that the try accepts, base units.
        routing: further columns of the order that routing found out.

    Raises:
        RpcUnavailable, RpcRefused: it seems to be short, and a node has yet to tell what another order's transaction
            spent.
    """
    order = turn.order

    async def reserved(*, is_short_for_sure: bool) -> bool:
        async with turn.together() as session:
            await turn.advance(
                "routed",
                {"slot": slot, "try": order.tries + 1},
                session=session,
                status=Status.BUILDING.value,
                min_out=Decimal(min_out),
                **routing,
            )
            missing = await reservations.reserve(
                session, order.id, order.wallet_id, needs=wanted, balances=balances, slot=balances_slot
            )
            if missing and not is_short_for_sure:
                signed = await reservations.signed_by_others(session, order.id, order.wallet_id, missing)
                if signed:
                    raise _MayBeCountedTwice(signed)
            if missing:
                await turn.fail(INSUFFICIENT_FUNDS, _shortfall(order, wanted, missing), session=session)
        return not missing

    try:
        return await reserved(is_short_for_sure=False)
    except _MayBeCountedTwice as doubt:
        await _none_has_spent(turn, doubt.signatures, balances_slot)
    return await reserved(is_short_for_sure=True)


class _MayBeCountedTwice(Exception):
    def __init__(self, signatures: list[str]) -> None:
        self.signatures = signatures


async def _none_has_spent(turn: Turn, signatures: list[str], balances_slot: int) -> None:
    """Make sure that none of these transactions had landed when the balances were read. Raises RpcUnavailable,
    RpcRefused."""
    asked, poll = [Signature.from_string(signature) for signature in signatures], turn.engine.rpc.poll()
    with counted_apart():
        try:
            slot, statuses = await poll.signature_statuses(asked, history=True)
        except RpcRefused:
            slot, statuses = await poll.signature_statuses(asked)
    landed = [status for status in statuses if status is not None and status.error is None]
    if slot < balances_slot or any(status.slot <= balances_slot for status in landed):
        raise RpcUnavailable("what another order's transaction spent is not told yet")


async def carry_out(turn: Turn, planned: Planned) -> None:
    """Simulate, sign, commit and send; at the end an attempt is live and watched, or the order waits or has failed.

    Raises:
        RpcUnavailable: no node answered; no try is used up.
        LeaseLost: another worker took the order over; nothing more was written.
        OrderClosed: it was cancelled or expired before anything was signed.
    """
    built = await _build(turn, planned)
    if built is None:
        return
    while True:
        try:
            await _submit(turn, planned, built)
        except attempts.SignatureTaken:
            built = _told_apart(turn, planned, built)
        else:
            return


async def _build(turn: Turn, planned: Planned) -> Built | None:
    """Simulate the transaction unsigned and set its compute budget; None where the try is used up."""
    engine = turn.engine
    probe = unsigned_bytes(
        compose(
            planned.allowed.owner,
            planned.instructions,
            blockhash=(await engine.blockhashes.latest()).hash,
            compute_unit_limit=planned.most_units,
            compute_unit_price=0 if planned.exact_fee is None else planned.price(planned.most_units, 0),
            lookup_tables=planned.lookup_tables,
        )
    )
    simulation = await engine.rpc.simulate(probe, min_context_slot=planned.slot)
    if simulation.error is not None:
        failure = read_failure(
            simulation.error, kind=turn.order.kind, transaction=probe, logs=simulation.logs, venues=engine.venues
        )
        if failure.curable:
            await turn.not_sent(failure, quoted_out=Decimal(planned.quoted_out), selected_dex=planned.dex)
        else:
            await turn.fail(failure.code, failure.message)
        return None
    return _composed(turn, planned, await engine.blockhashes.latest(), with_margin(simulation.units))


def _composed(turn: Turn, planned: Planned, blockhash: Blockhash, limit: int) -> Built:
    """The message with a compute-unit limit and the price for it."""
    price = planned.price(limit, turn.engine.settings.max_priority_fee)
    message = compose(
        planned.allowed.owner,
        planned.instructions,
        blockhash=blockhash.hash,
        compute_unit_limit=limit,
        compute_unit_price=price,
        lookup_tables=planned.lookup_tables,
    )
    return Built(message, blockhash, compute_unit_limit=limit, compute_unit_price=price)


def _told_apart(turn: Turn, planned: Planned, built: Built) -> Built:
    """The same transaction with a little more room, and so with another signature.

    Where nothing in it is the attempt's own, as between tokens or in a transfer, two like orders of a wallet would be
    one transaction for as long as the blockhash is the same.
    """
    limit = min(built.compute_unit_limit + 1 + randbelow(SPARE_COMPUTE_UNITS), MAX_COMPUTE_UNITS)
    return _composed(turn, planned, built.blockhash, limit)


async def _submit(turn: Turn, planned: Planned, built: Built) -> None:
    """Sign, commit the attempt, hand it to the watcher and send it: in this order and no other.

    Raises:
        SignatureTaken: another order has signed the very same transaction; nothing was written or sent.
    """
    engine, order = turn.engine, turn.order
    signed = engine.signer.sign(built.message, planned.allowed, planned.lookup_tables)
    attempt = LiveAttempt(
        attempt_id=planned.allowed.attempt_id,
        order_id=order.id,
        signature=signed.signatures[0],
        transaction=bytes(signed),
        last_valid_block_height=built.blockhash.last_valid_block_height,
        blockhash_slot=built.blockhash.slot,
    )
    number = order.tries + 1
    with attempts.signature_told_apart():
        await turn.advance(
            "submitted",
            {"try": number, "signature": str(attempt.signature)},
            only_open=True,
            along=(attempts.birth(_signed(turn, planned, built, attempt, number)),),
            status=Status.SUBMITTED.value,
            tries=number,
            tx_hash=str(attempt.signature),
            waiting_for=landing_wait(engine, attempt),
        )
    turn.handed_over = True
    await engine.watcher.send(turn.order, attempt, turn.token)


def _signed(turn: Turn, planned: Planned, built: Built, attempt: LiveAttempt, number: int) -> attempts.Signed:
    return attempts.Signed(
        id=attempt.attempt_id,
        order_id=attempt.order_id,
        number=number,
        fencing_token=turn.token,
        quoted_out=Decimal(planned.quoted_out),
        min_out=Decimal(planned.min_out),
        selected_dex=planned.dex,
        compute_unit_limit=built.compute_unit_limit,
        compute_unit_price=built.compute_unit_price,
        signature=str(attempt.signature),
        transaction=attempt.transaction,
        blockhash=str(built.blockhash.hash),
        blockhash_slot=attempt.blockhash_slot,
        last_valid_block_height=attempt.last_valid_block_height,
    )


def _shortfall(order: Order, wanted: Mapping[str, int], missing: Mapping[str, int]) -> str:
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
