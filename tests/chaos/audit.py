"""The engine's books against the chain's ledger, transaction by transaction and to the unit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey
from sqlalchemy import func, select, text
from sqlmodel import col

from engine_app.chain.answers import Commitment
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.orders.models import Attempt, Order, OrderEvent, Reservation
from engine_app.storage.postgres import Database

SOL = str(WRAPPED_SOL_MINT)


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says after everything is over."""

    orders: Mapping[UUID, Order]
    attempts: Sequence[Attempt]
    events: Mapping[UUID, int]
    open_reservations: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        orders: how many orders there are.
        landed: transactions of the engine on the chain.
        doubled: orders that were executed more than once.
        lost: orders that are not final.
        differences: every way in which books and ledger differ, in words; empty where all is well.
    """

    orders: int
    landed: int
    doubled: list[UUID]
    lost: list[UUID]
    differences: list[str]


async def read_books(database: Database) -> Books:
    """All orders, attempts and events, as of one moment."""
    async with database.transaction() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        orders = (await session.execute(select(Order))).scalars().all()
        attempts = (await session.execute(select(Attempt))).scalars().all()
        events = await session.execute(
            select(col(OrderEvent.order_id), func.count()).group_by(col(OrderEvent.order_id))
        )
        held = await session.execute(
            select(func.count())
            .select_from(Reservation)
            .join(Order, col(Order.id) == col(Reservation.order_id))
            .where(col(Reservation.closed_at).is_(None), col(Order.status).in_(("confirmed", "failed")))
        )
        return Books(
            {order.id: order for order in orders},
            attempts,
            {row[0]: row[1] for row in events},
            held.scalar_one(),
        )


async def audit(
    books: Books,
    ledger: Sequence[Mapping[str, Any]],
    rpc: Rpc,
    wallets: Sequence[Pubkey],
    payments: Set[str] = frozenset(),
    *,
    commitment: Commitment = "finalized",
) -> Audit:
    """Compare everything.

    Args:
        books: of a database in which nothing moves any more.
        ledger: every landed transaction, as the chain's admin port tells it.
        rpc: for the balances as they are.
        wallets: everybody who trades.
        payments: signatures of what wallets paid beside the engine.
        commitment: of the balances; `finalized` only where every order is final.
    """
    addresses = set(map(str, wallets))
    landed = {
        entry["signature"]: entry
        for entry in ledger
        if entry["signers"][0] in addresses and entry["signature"] not in payments
    }
    succeeded: dict[UUID, list[str]] = defaultdict(list)
    for attempt in books.attempts:
        if attempt.signature and attempt.signature in landed and landed[attempt.signature]["err"] is None:
            succeeded[attempt.order_id].append(attempt.signature)
    differences = [
        *_of_attempts(books, landed),
        *_of_orders(books, landed, succeeded),
        *[
            line
            for wallet in wallets
            for line in _of_balances(books, ledger, landed, wallet, await _held(rpc, wallet, commitment))
        ],
    ]
    return Audit(
        orders=len(books.orders),
        landed=len(landed),
        doubled=[order_id for order_id, signatures in succeeded.items() if len(signatures) > 1],
        lost=[order.id for order in books.orders.values() if not is_final(order)],
        differences=differences,
    )


def is_final(order: Order) -> bool:
    """Whether nothing more can become of an order."""
    return order.status == "failed" or order.finalized_at is not None


def _of_attempts(books: Books, landed: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each verdict against the ledger, and what is on the ledger without an attempt."""
    for attempt in books.attempts:
        if attempt.verdict is None and not is_final(books.orders[attempt.order_id]):
            continue
        entry = None if attempt.signature is None else landed.get(attempt.signature)
        told = "not there" if entry is None else "landed" if entry["err"] is None else "landed_error"
        said = "not there" if attempt.verdict in ("not_sent", "expired") else attempt.verdict
        if told != said:
            yield f"attempt {attempt.id} of order {attempt.order_id}: verdict {attempt.verdict}, on the chain {told}"
    for signature in landed.keys() - {attempt.signature for attempt in books.attempts}:
        yield f"transaction {signature} is no attempt's"


def _of_orders(
    books: Books, landed: Mapping[str, Mapping[str, Any]], succeeded: Mapping[UUID, Sequence[str]]
) -> Iterator[str]:
    for order in books.orders.values():
        signatures = succeeded.get(order.id, ())
        if (order.status == "confirmed") != (len(signatures) == 1):
            yield f"order {order.id} is {order.status}, and {len(signatures)} of its transactions succeeded"
        elif signatures:
            yield from _of_fill(order, landed[signatures[0]])
        if books.events[order.id] != order.seq:
            yield f"order {order.id} has {books.events[order.id]} events, its last is number {order.seq}"
    if books.open_reservations:
        yield f"{books.open_reservations} reservations of orders that are done are still open"


def _of_fill(order: Order, entry: Mapping[str, Any]) -> Iterator[str]:
    """A confirmed order's amounts against its transaction's balances."""
    owner = entry["signers"][0]
    if order.tx_hash != entry["signature"] or (order.fill or {}).get("slot") != str(entry["slot"]):
        yield f"order {order.id} names {order.tx_hash} at slot {(order.fill or {}).get('slot')}: {entry['slot']}"
    moved = _moved(entry, owner)
    claimed = claims(order)
    if moved != claimed:
        yield f"order {order.id} says that {dict(claimed)} moved, its transaction moved {dict(moved)}"
    arrived = _moved(entry, order.destination or owner)[order.token_out]
    if order.destination is not None and arrived != order.amount_out:
        yield f"order {order.id} says that {order.amount_out} arrived, its transaction brought {arrived}"
    spent, asked = int(order.spent_in or 0), int(order.amount_in)
    if spent != asked and not (buys_exactly(order) and 0 < spent < asked):
        yield f"order {order.id} asked to spend {order.amount_in} and spent {order.spent_in}"


def buys_exactly(order: Order) -> bool:
    """Whether the first of two hops may take less than the order gives, because it buys what the second spends."""
    return any(leg["hop"] == 1 and leg["exactOut"] for leg in (order.decision or {}).get("route", ()))


def claims(order: Order) -> Counter[str]:
    """What a confirmed order says its transaction changed of its wallet, base units by mint, lamports under SOL's."""
    fill = order.fill or {}
    changes: Counter[str] = Counter()
    changes[SOL] += int(fill["rent_returned"]) - int(fill["rent_paid"]) - int(fill["network_fee"])
    changes[order.token_in] -= int(order.spent_in or 0)
    if order.destination is None:
        changes[order.token_out] += int(order.amount_out or 0)
    if "left_over_mint" in fill:
        changes[fill["left_over_mint"]] += int(fill["left_over"])
    return _not_zero(changes)


def _of_balances(
    books: Books,
    ledger: Sequence[Mapping[str, Any]],
    landed: Mapping[str, Mapping[str, Any]],
    wallet: Pubkey,
    held: Counter[str],
) -> Iterator[str]:
    """A wallet's balances against what the orders say moved, and what came and went beside the engine."""
    owner = str(wallet)
    orders = {order.tx_hash: order for order in books.orders.values() if order.status == "confirmed"}
    expected: Counter[str] = Counter()
    for entry in ledger:
        order = orders.get(entry["signature"])
        if order is not None and entry["signers"][0] == owner:
            expected.update(claims(order))
        elif entry["signature"] in landed and entry["signers"][0] == owner:
            expected[SOL] -= entry["meta"]["fee"]
        else:
            expected.update(_moved(entry, owner))
    if _not_zero(expected) != held:
        yield f"wallet {owner} holds {dict(held)}, by its orders it would be {dict(expected)}"


async def _held(rpc: Rpc, wallet: Pubkey, commitment: Commitment) -> Counter[str]:
    """Base units by mint, lamports under SOL's mint together with wrapped SOL."""
    held = Counter({SOL: await rpc.balance(wallet, commitment)})
    for _, account in await rpc.token_accounts_by_owner(wallet, commitment):
        held[str(account.mint)] += account.amount
    return _not_zero(held)


def _moved(entry: Mapping[str, Any], owner: str) -> Counter[str]:
    """What a transaction changed of a wallet, base units by mint, lamports under SOL's mint."""
    meta, changes = entry["meta"], Counter[str]()
    if owner in entry["accountKeys"]:
        index = entry["accountKeys"].index(owner)
        changes[SOL] += meta["postBalances"][index] - meta["preBalances"][index]
    for sign, balances in ((1, meta["postTokenBalances"]), (-1, meta["preTokenBalances"])):
        for balance in balances:
            if balance.get("owner") == owner:
                changes[balance["mint"]] += sign * int(balance["uiTokenAmount"]["amount"])
    return _not_zero(changes)


def _not_zero(changes: Counter[str]) -> Counter[str]:
    return Counter({mint: units for mint, units in changes.items() if units})
