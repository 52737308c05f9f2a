"""Many confirmed orders become final in one statement, each under its own lease."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import psycopg

from engine_app.orders import attempts, leases, repository, reservations
from engine_app.orders.finalizing import Landed, finalize
from engine_app.orders.models import Attempt, Order
from engine_app.storage.postgres import Database
from tests.orders.test_rules import signed, submit, taken

NewOrder = Callable[..., Awaitable[Order]]


async def confirmed(database: Database, new_order: NewOrder, *, slot: int) -> Landed:
    """A confirmed order, as the finality loop would write it final."""
    order = await new_order()
    token = await taken(database, order.id)
    attempt = signed(order, token)
    await submit(database, order, token, attempt)
    async with database.at_once() as connection:
        await repository.advance(
            connection,
            order.id,
            token,
            event="confirmed",
            status="confirmed",
            spent_in=Decimal(1),
            amount_out=Decimal(100),
            along=(
                attempts.observation(attempt.id, slot=slot, error=None),
                reservations.closing(landed_slot=slot),
            ),
        )
    return Landed(order.id, token, attempt.id, slot)


async def attempt_of(database: Database, landed: Landed) -> Attempt:
    async with database.transaction() as session:
        (attempt,) = await attempts.attempts_of(session, landed.order_id)
    return attempt


async def test_each_gets_its_verdict_its_event_and_its_lease_back(database: Database, new_order: NewOrder) -> None:
    landed = [await confirmed(database, new_order, slot=slot) for slot in (7, 8, 9)]
    async with database.at_once() as connection:
        written = await finalize(connection, landed, worker="tester")
    assert written.keys() == {each.order_id for each in landed}
    for each in landed:
        order = written[each.order_id]
        assert order.finalized_at is not None
        assert order.lease_until is None
        attempt = await attempt_of(database, each)
        assert attempt.observed_slot == each.slot
        assert (attempt.verdict, attempt.evidence) == (
            "landed",
            {"commitment": "finalized", "slot": each.slot, "error": None},
        )
        async with database.transaction() as session:
            last = (await repository.events_of(session, each.order_id))[-1]
        assert (last.name, last.seq, last.data, last.worker) == ("finalized", order.seq, {"slot": each.slot}, "tester")


async def test_one_that_was_taken_over_is_left_out_and_nothing_is_written_of_it(
    database: Database, new_order: NewOrder
) -> None:
    ours, theirs = [await confirmed(database, new_order, slot=7) for _ in range(2)]
    late = Landed(theirs.order_id, theirs.token - 1, theirs.attempt_id, theirs.slot)
    async with database.at_once() as connection:
        written = await finalize(connection, [late, ours], worker="tester")
    assert written.keys() == {ours.order_id}
    assert (await attempt_of(database, theirs)).verdict is None
    async with database.at_once() as connection:
        assert await finalize(connection, [ours], worker="tester") == {}, "its lease was given back"


async def test_only_a_live_attempt_of_its_own_makes_an_order_final(database: Database, new_order: NewOrder) -> None:
    one, other = [await confirmed(database, new_order, slot=7) for _ in range(2)]
    mixed_up = Landed(one.order_id, one.token, other.attempt_id, one.slot)
    async with database.at_once() as connection:
        assert await finalize(connection, [mixed_up], worker="tester") == {}
    assert (await attempt_of(database, other)).verdict is None
    async with database.transaction() as session:
        order = await repository.order_by_id(session, one.order_id)
    assert order is not None
    assert order.finalized_at is None


async def test_no_more_are_taken_than_asked_for_whatever_the_plan(
    database: Database, new_order: NewOrder, database_url: str
) -> None:
    """It was made when Postgres knew that there are no attempts, and lasts until it looks again."""
    await new_order()
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("ANALYZE")
    async with database.at_once() as connection:
        assert await leases.take_to_finalize(connection, "tester", finalized_slot=9, limit=2) == []
    for slot in (6, 7, 8, 9):
        await confirmed(database, new_order, slot=slot)
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("UPDATE orders SET lease_until = NULL")
    taken = set()
    for _ in range(2):
        async with database.at_once() as connection:
            found = await leases.take_to_finalize(connection, "tester", finalized_slot=9, limit=2)
        assert len(found) == 2
        taken |= {order.id for order, _ in found}
    assert len(taken) == 4
