"""What placing an order asks of Postgres: no times, so that nothing here depends on the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from tests.api.conftest import Account
from tests.statements import Sent, is_known_by_its_text

pytestmark = pytest.mark.asyncio(loop_scope="module")

AnyCursor = psycopg.AsyncCursor[Any]


@dataclass
class Asked:
    """What one request has asked of Postgres.

    Attributes:
        statements: in order.
        transactions: how many it began; each is two round trips besides those of its statements.
    """

    statements: list[Sent] = field(default_factory=list)
    transactions: int = 0

    @property
    def round_trips(self) -> int:
        """To Postgres and back."""
        return len(self.statements) + 2 * self.transactions


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)
"""Of the request that runs; what loops beside it ask is in none."""


@contextmanager
def watched(spy: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Write down what is asked within the block."""
    execute, enter = psycopg.AsyncCursor.execute, psycopg.AsyncTransaction.__aenter__
    kept = Asked()

    async def executes(
        cursor: AnyCursor, text: bytes | str, values: Mapping[str, Any] | None = None, **how: Any
    ) -> Any:
        if (here := _asked.get()) is not None:
            here.statements.append(Sent(text if isinstance(text, bytes) else text.encode(), len(values or ())))
        return await execute(cursor, text, values, **how)

    async def enters(transaction: psycopg.AsyncTransaction) -> Any:
        if (here := _asked.get()) is not None:
            here.transactions += 1
        return await enter(transaction)

    spy.setattr(psycopg.AsyncCursor, "execute", executes)
    spy.setattr(psycopg.AsyncTransaction, "__aenter__", enters)
    token = _asked.set(kept)
    try:
        yield kept
    finally:
        _asked.reset(token)
        spy.undo()


async def place(client: httpx.AsyncClient, account: Account, **headers: str) -> None:
    wanted = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1.5}
    answer = await client.post("/api/orders/execute", json=wanted, headers=account.headers | headers)
    assert answer.status_code == 202, answer.text


async def test_placing_takes_three_statements_and_one_transaction(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place(client, account)
    with watched(monkeypatch) as asked:
        await place(client, account)
    # Whose session it is; then, together, the locks and the order with its event.
    session, locks, insert = asked.statements
    assert b"FROM sessions" in session.text
    assert b"pg_advisory_xact_lock_shared" in locks.text
    assert b"INSERT INTO orders" in insert.text
    assert (asked.transactions, asked.round_trips) == (1, 5)
    assert all(map(is_known_by_its_text, asked.statements))


async def test_a_key_costs_one_statement_more(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place(client, account, **{"Idempotency-Key": "warm"})
    with watched(monkeypatch) as asked:
        await place(client, account, **{"Idempotency-Key": "measured"})
    assert (len(asked.statements), asked.transactions) == (4, 1)
    assert all(map(is_known_by_its_text, asked.statements))
