"""One try of a withdrawal, up to its plan: one read of wallet, destination and mint; what it needs is reserved. `tries`
carries it out.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.priority_fees import priority_fee
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.execution.building import WALLET_SIZE
from engine_app.execution.transfer_plan import (
    COMPUTE_UNITS,
    Transfer,
    TransferPlan,
    TransferRefused,
    accounts_to_read,
    emptying_fee,
    plan_transfer,
    transfer_instructions,
    transfer_needs,
)
from engine_app.execution.tries import Planned, begin, carry_out, reserve
from engine_app.execution.turn import Turn
from engine_app.orders.errors import TOKEN_NOT_TRANSFERABLE
from engine_app.orders.leases import OwnAddress
from engine_app.orders.lifecycle import MAX_TRIES
from engine_app.orders.transfers import EMPTYING_FEE
from engine_app.wallets.policy import TransferAllowance

SOL = str(WRAPPED_SOL_MINT)


async def transfer(turn: Turn) -> None:
    """Make a withdrawal's next try; at the end an attempt is live and watched, or the order waits or has failed.

    Raises:
        RpcUnavailable: no node answered; no try is used up.
        LeaseLost: another worker took the order over; nothing more was written.
        OrderClosed: it was cancelled or expired before anything was signed.
    """
    wallet = await begin(turn)
    try:
        planned = await _plan(turn, wallet)
    except TransferRefused as refused:
        await turn.fail(refused.code, refused.told)
        return
    if planned is not None:
        await carry_out(turn, planned)


async def _plan(turn: Turn, wallet: OwnAddress) -> Planned | None:
    """Look at wallet, destination and mint, fix what has to arrive and reserve the balance; None where that failed.

    Raises:
        TransferRefused: it cannot be made, or would lose money.
    """
    engine, order = turn.engine, turn.order
    wanted = Transfer(
        owner=Pubkey.from_string(wallet.address),
        destination=Pubkey.from_string(order.destination or ""),
        mint=Pubkey.from_string(order.token_in),
        amount=int(order.amount_in),
        decimals=order.decimals_in,
    )
    read = await engine.rpc.accounts(accounts_to_read(wanted))
    wallet_rent = await engine.rents.exemption(WALLET_SIZE)
    try:
        plan = plan_transfer(wanted, read.accounts, wallet_rent=wallet_rent)
    except DecodeError as error:
        raise RpcUnavailable(f"the node's answer cannot be read: {error}") from error
    floor = int(order.floor_out) if order.floor_out is not None else plan.arrives
    if plan.arrives < floor:
        raise TransferRefused(TOKEN_NOT_TRANSFERABLE, "its transfer fee has risen since the first try")
    emptying = emptying_fee(plan, wallet_rent=wallet_rent, most=min(EMPTYING_FEE, engine.settings.max_priority_fee))
    bid = engine.priority_fees.price([plan.receiving_account])
    if not await _reserve(turn, plan, read.slot, floor=floor, bid=bid, wallet_rent=wallet_rent, emptying=emptying):
        return None
    attempt_id = uuid4()
    return Planned(
        instructions=tuple(transfer_instructions(plan, attempt_id)),
        allowed=_allowance(turn, wallet, plan, attempt_id, emptying=emptying),
        quoted_out=plan.arrives,
        min_out=plan.arrives,
        dex=None,
        slot=read.slot,
        bid=bid,
        most_units=COMPUTE_UNITS,
        exact_fee=emptying,
    )


async def _reserve(
    turn: Turn, plan: TransferPlan, slot: int, *, floor: int, bid: int, wallet_rent: int, emptying: int | None
) -> bool:
    """Reserve what the transfer needs at worst, all the wallet has where it is emptied; False where that failed."""
    engine, order = turn.engine, turn.order
    wanted = {SOL: plan.lamports}
    if emptying is None:
        wanted = transfer_needs(
            plan,
            opening_rent=0 if plan.opens is None else await engine.rents.exemption(plan.opens),
            wallet_rent=wallet_rent,
            priority_fee=min(engine.settings.max_priority_fee, priority_fee(COMPUTE_UNITS, bid)),
            tries=MAX_TRIES - order.tries,
        )
    return await reserve(
        turn,
        wanted=wanted,
        balances={order.token_in: plan.held, SOL: plan.lamports},
        balances_slot=slot,
        slot=slot,
        min_out=plan.arrives,
        not_before=None,
        quoted_out=order.quoted_out or Decimal(floor),
        floor_out=Decimal(floor),
        waiting_for=None,
    )


def _allowance(
    turn: Turn, wallet: OwnAddress, plan: TransferPlan, attempt_id: UUID, *, emptying: int | None
) -> TransferAllowance:
    wanted = plan.transfer
    return TransferAllowance(
        owner=wanted.owner,
        derivation_index=wallet.derivation_index,
        attempt_id=attempt_id,
        destination=wanted.destination,
        mint=wanted.mint,
        token_program=plan.token_program,
        decimals=wanted.decimals,
        amount=wanted.amount,
        withheld=plan.withheld,
        max_priority_fee=turn.engine.settings.max_priority_fee if emptying is None else emptying,
    )
