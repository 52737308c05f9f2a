"""What an order that lands at its first try may cost: its own calls to the node, its statements, its commits.

Nothing here is a time. A number that rises is a step that has become dearer; one that falls is to be written down here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from tests.execution.conftest import Desk
from tests.statements import Sent, is_known_by_its_text
from tests.waiting import until

AnyConnection = psycopg.AsyncConnection[Any]
AnyCursor = psycopg.AsyncCursor[Any]

OWN_CALLS = {"getMultipleAccounts": 1, "simulateTransaction": 1, "sendTransaction": 1, "getTransaction": 1}
LEASES_OF_ALL = b"AS ours(id, token, wait)"
"""In the statement that renews every lease of a worker, once a second."""


@dataclass
class Ledger:
    """The transactions that have named an order, in which statements named it.

    Attributes:
        statements: of each transaction, how many it had.
        at_once: how many of the transactions were a statement alone, without BEGIN and COMMIT.
        named: the statements themselves that named it.
    """

    statements: list[int] = field(default_factory=list)
    at_once: int = 0
    named: list[Sent] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """To Postgres and back, BEGIN and COMMIT included."""
        return sum(self.statements) + 2 * (len(self.statements) - self.at_once)


@contextmanager
def ledger_of(order_id: UUID, spy: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """Count what is executed with the order's id among its values, and what stands in one transaction with it."""
    kept = Ledger()
    running: Counter[AnyConnection] = Counter()
    naming: set[AnyConnection] = set()
    execute = psycopg.AsyncCursor.execute

    async def executes(cursor: AnyCursor, text: bytes | str, values: Any = None, **how: Any) -> AnyCursor:
        connection = cursor.connection
        alone = connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE
        if LEASES_OF_ALL not in (text if isinstance(text, bytes) else text.encode()):
            running[connection] += 1
            if isinstance(values, Mapping) and _names(values, order_id):
                naming.add(connection)
                kept.named.append(Sent(text if isinstance(text, bytes) else text.encode(), len(values)))
        done = await execute(cursor, text, values, **how)
        if alone:
            ends(connection, alone=True)
        return done

    def ends(connection: AnyConnection, *, alone: bool = False) -> None:
        count = running.pop(connection, 0)
        if connection in naming:
            naming.discard(connection)
            kept.statements.append(count)
            kept.at_once += alone

    def ending(of: type, name: str, connection_of: Callable[[Any], AnyConnection]) -> None:
        end = getattr(of, name)

        async def spied(ended: Any, *told: Any) -> Any:
            answer = await end(ended, *told)
            ends(connection_of(ended))
            return answer

        spy.setattr(of, name, spied)

    spy.setattr(psycopg.AsyncCursor, "execute", executes)
    ending(psycopg.AsyncTransaction, "__aexit__", lambda transaction: transaction.connection)
    ending(psycopg.AsyncConnection, "commit", lambda connection: connection)
    ending(psycopg.AsyncConnection, "rollback", lambda connection: connection)
    try:
        yield kept
    finally:
        spy.undo()


def _names(values: Mapping[str, Any], order_id: UUID) -> bool:
    return any(value == order_id or (isinstance(value, list) and order_id in value) for value in values.values())


async def test_an_order_costs_four_calls_and_five_transactions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = await desk.customer()
    warm = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(warm)
    await desk.reaches(warm, "confirmed")
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    with ledger_of(order_id, monkeypatch) as kept:
        await desk.process.execute(order_id)

        async def final() -> bool:
            return len(kept.statements) >= 5

        await until(final, seconds=60)
    # Taken up and on to routing; reserved and on to building; submitted with its attempt; confirmed; final.
    assert sorted(kept.statements) == [1, 1, 1, 1, 3]
    assert (kept.at_once, kept.round_trips) == (4, 9)
    assert len(kept.named) >= len(kept.statements)
    assert all(map(is_known_by_its_text, kept.named))
    order = await desk.order(order_id)
    assert order.finalized_at is not None
    assert order.rpc_calls == OWN_CALLS
    assert [event.name for event in await desk.events(order_id)] == [
        "placed", "routing", "routed", "submitted", "confirmed", "finalized",
    ]  # fmt: skip
