"""The database itself refuses what would put money at risk, whoever asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine_app.orders import attempts, leases, repository
from engine_app.orders.lifecycle import Verdict
from engine_app.orders.models import Attempt, Order
from engine_app.orders.repository import LeaseLost
from engine_app.storage.postgres import Database
from tests.orders.conftest import SOL

NewOrder = Callable[..., Awaitable[Order]]
EXPIRED = {"blockHeight": 1151, "firstAvailableBlock": 0, "statusSlot": 1300, "slot": 1200}


async def taken(database: Database, order_id: UUID) -> int:
    """The fencing token of a lease on the order."""
    async with database.transaction() as session:
        found = await leases.take(session, order_id, "tester")
    assert found is not None
    return found.order.fencing_token


def signed(order: Order, token: int, *, number: int = 1, **columns: Any) -> Attempt:
    """A live attempt's row."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "order_id": order.id,
        "number": number,
        "fencing_token": token,
        "min_out": Decimal(99),
        "signature": uuid4().hex,
        "transaction": b"signed bytes",
        "blockhash": "a blockhash",
        "blockhash_slot": 1000,
        "last_valid_block_height": 1150,
    }
    return Attempt(**(values | columns))


async def submit(database: Database, order: Order, token: int, attempt: Attempt) -> None:
    """Bring an order to `submitted` with this attempt."""
    async with database.transaction() as session:
        for status in ("routing", "building", "submitted"):
            await repository.advance(
                session,
                order.id,
                token,
                event=status,
                status=status,
                floor_out=Decimal(99),
                quoted_out=Decimal(100),
                tx_hash=attempt.signature,
            )
        await attempts.insert_attempt(session, attempt)


async def give_verdict(database: Database, attempt: Attempt, verdict: Verdict, evidence: dict[str, Any]) -> None:
    async with database.transaction() as session:
        await attempts.write_verdict(session, attempt.id, verdict, evidence=evidence)


async def test_an_order_has_one_live_attempt(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    await submit(database, order, token, signed(order, token))
    with pytest.raises(DBAPIError, match="may still land"):
        async with database.transaction() as session:
            await attempts.insert_attempt(session, signed(order, token, number=2))


async def test_an_attempt_under_a_lost_lease_is_refused(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    with pytest.raises(DBAPIError, match="was taken over"):
        await submit(database, order, token, signed(order, token - 1))


async def test_an_expired_or_cancelled_order_signs_nothing(database: Database, new_order: NewOrder) -> None:
    late = await new_order(valid_for=timedelta(seconds=-1))
    token = await taken(database, late.id)
    with pytest.raises(DBAPIError, match="cancelled or has expired"):
        await submit(database, late, token, signed(late, token))
    cancelled = await new_order()
    token = await taken(database, cancelled.id)
    async with database.transaction() as session:
        await repository.advance(
            session, cancelled.id, token, event="cancel", cancel_requested_at=repository.DATABASE_NOW
        )
    with pytest.raises(DBAPIError, match="cancelled or has expired"):
        await submit(database, cancelled, token, signed(cancelled, token))


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"kind": "transfer", "token_out": SOL}, "transfer_has_its_destination"),
        ({"destination": "somewhere"}, "transfer_has_its_destination"),
        ({"kind": "transfer", "destination": "somewhere"}, "transfer_is_of_one_token"),
    ],
)
async def test_a_withdrawal_has_one_token_and_a_destination(
    new_order: NewOrder, columns: dict[str, Any], rule: str
) -> None:
    with pytest.raises(IntegrityError, match=rule):
        await new_order(**columns)


async def test_a_withdrawal_stays_with_its_destination(database: Database, new_order: NewOrder) -> None:
    order = await new_order(kind="transfer", token_out=SOL, destination="somewhere")
    with pytest.raises(DBAPIError, match="cannot change"):
        async with database.transaction() as session:
            await session.execute(text("UPDATE orders SET destination = 'elsewhere' WHERE id = :id"), {"id": order.id})


async def test_no_attempt_accepts_less_than_the_floor(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    with pytest.raises(DBAPIError, match="less than the floor"):
        await submit(database, order, token, signed(order, token, min_out=Decimal(98)))


async def test_signed_facts_and_verdicts_never_change(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    attempt = signed(order, token)
    await submit(database, order, token, attempt)
    with pytest.raises(DBAPIError, match="signed facts"):
        async with database.transaction() as session:
            await session.execute(text("UPDATE attempts SET transaction = 'other' WHERE id = :id"), {"id": attempt.id})
    await give_verdict(database, attempt, Verdict.EXPIRED, EXPIRED)
    with pytest.raises(DBAPIError, match="has its verdict"):
        async with database.transaction() as session:
            await session.execute(text("UPDATE attempts SET verdict = 'landed' WHERE id = :id"), {"id": attempt.id})


@pytest.mark.parametrize(
    ("verdict", "evidence"),
    [
        (Verdict.EXPIRED, EXPIRED | {"blockHeight": 1150}),
        (Verdict.EXPIRED, EXPIRED | {"firstAvailableBlock": 1001}),
        (Verdict.EXPIRED, EXPIRED | {"statusSlot": 1199}),
        (Verdict.EXPIRED, {"blockHeight": 1151}),
        (Verdict.LANDED, {"commitment": "confirmed", "slot": 1100}),
        (Verdict.LANDED, {"commitment": "finalized"}),
        (Verdict.LANDED, {"commitment": "finalized", "slot": 1100, "error": "AccountInUse"}),
        (Verdict.LANDED_ERROR, {"commitment": "finalized", "slot": 1100, "error": None}),
        (Verdict.LANDED_ERROR, {}),
    ],
)
async def test_a_verdict_without_finalized_evidence_is_refused(
    database: Database, new_order: NewOrder, verdict: Verdict, evidence: dict[str, Any]
) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    attempt = signed(order, token)
    await submit(database, order, token, attempt)
    with pytest.raises(IntegrityError):
        await give_verdict(database, attempt, verdict, evidence)
    await give_verdict(database, attempt, Verdict.EXPIRED, EXPIRED)


async def test_an_order_with_a_live_attempt_cannot_fail(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    attempt = signed(order, token)
    await submit(database, order, token, attempt)

    async def fail() -> None:
        async with database.transaction() as session:
            await repository.advance(
                session, order.id, token, event="failed", status="failed", error_code="SLIPPAGE", error_message="-"
            )

    with pytest.raises(DBAPIError, match="may still land"):
        await fail()
    await give_verdict(database, attempt, Verdict.EXPIRED, EXPIRED)
    await fail()
    with pytest.raises(DBAPIError, match="is final"):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token, event="again", error_message="changed")


async def test_a_confirmed_order_is_final_once_finalized(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    attempt = signed(order, token)
    await submit(database, order, token, attempt)
    confirmed: dict[str, Any] = {"status": "confirmed", "spent_in": Decimal(1), "amount_out": Decimal(99)}
    async with database.transaction() as session:
        await repository.advance(session, order.id, token, event="confirmed", **confirmed)
        await repository.advance(session, order.id, token, event="rolled_back", status="submitted")
        await repository.advance(session, order.id, token, event="confirmed", **confirmed)
        await attempts.write_verdict(
            session, attempt.id, Verdict.LANDED, evidence={"commitment": "finalized", "slot": 1100}
        )
        await repository.advance(session, order.id, token, event="finalized", finalized_at=repository.DATABASE_NOW)
    with pytest.raises(DBAPIError, match="is final"):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token, event="rolled_back", status="submitted")


async def test_what_an_order_asks_for_and_its_floor_never_change(database: Database, new_order: NewOrder) -> None:
    order = await new_order(min_amount_out=Decimal(50))
    token = await taken(database, order.id)
    async with database.transaction() as session:
        await repository.advance(
            session, order.id, token, event="routed", floor_out=Decimal(99), quoted_out=Decimal(100)
        )
    changes: list[tuple[dict[str, Any], str]] = [
        ({"floor_out": Decimal(1)}, "set once"),
        ({"amount_in": Decimal(2)}, "asks for"),
        ({"min_amount_out": Decimal(1)}, "asks for"),
        ({"min_amount_out": None}, "asks for"),
        ({"token_warnings": {"mint": ["MINTABLE"]}}, "asks for"),
        ({"volume_day": date(2026, 1, 2)}, "asks for"),
    ]
    for change, said in changes:
        with pytest.raises(DBAPIError, match=said):
            async with database.transaction() as session:
                await repository.advance(session, order.id, token, event="changed", **change)


async def test_a_floor_is_not_below_the_orders_own_and_above_the_quote_only_for_it(
    database: Database, new_order: NewOrder
) -> None:
    order = await new_order(min_amount_out=Decimal(200))
    token = await taken(database, order.id)
    for floor, rule in ((199, "floor_is_not_below_min_amount_out"), (201, "floor_is_below_the_quote")):
        with pytest.raises(IntegrityError, match=rule):
            async with database.transaction() as session:
                await repository.advance(
                    session, order.id, token, event="routed", floor_out=Decimal(floor), quoted_out=Decimal(100)
                )
    async with database.transaction() as session:
        await repository.advance(
            session, order.id, token, event="routed", floor_out=Decimal(200), quoted_out=Decimal(100)
        )


@pytest.mark.parametrize("status", ["submitted", "confirmed", "building"])
async def test_statuses_cannot_be_skipped(database: Database, new_order: NewOrder, status: str) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    with pytest.raises(DBAPIError, match="cannot go from pending"):
        async with database.transaction() as session:
            await repository.advance(
                session,
                order.id,
                token,
                event=status,
                status=status,
                tx_hash="-",
                spent_in=Decimal(1),
                amount_out=Decimal(1),
            )


@pytest.mark.parametrize("table", ["orders", "attempts", "order_events"])
async def test_nothing_is_ever_deleted(database: Database, new_order: NewOrder, table: str) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    await submit(database, order, token, signed(order, token))
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        async with database.transaction() as session:
            await session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - a name from the list above


async def test_events_count_from_one_and_every_change_has_one(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    async with database.transaction() as session:
        moved = await repository.advance(
            session, order.id, token, event="routing", data={"try": 1}, worker="tester", status="routing"
        )
    assert (moved.status, moved.seq) == ("routing", 2)
    async with database.transaction() as session:
        events = await repository.events_of(session, order.id)
    assert [(event.seq, event.name, event.status) for event in events] == [
        (1, "placed", "pending"),
        (2, "routing", "routing"),
    ]
    assert (events[1].data, events[1].worker) == ({"try": 1}, "tester")


async def test_a_token_is_worth_nothing_once_its_lease_was_given_back(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    async with database.transaction() as session:
        await repository.advance(session, order.id, token, event="routing", status="routing", lease_until=None)
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token, event="again")


async def test_an_order_is_confirmed_by_its_own_transaction_only(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    await submit(database, order, token, signed(order, token))
    confirmed: dict[str, Any] = {"status": "confirmed", "spent_in": Decimal(1), "amount_out": Decimal(99)}
    with pytest.raises(DBAPIError, match="no attempt of its own"):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token, event="confirmed", **confirmed, tx_hash="another")
    with pytest.raises(DBAPIError, match="no attempt of its own"):
        async with database.transaction() as session:
            await repository.advance(
                session, order.id, token, event="confirmed", **confirmed, finalized_at=repository.DATABASE_NOW
            )


async def test_an_order_without_a_floor_and_a_rolled_back_one_sign_nothing(
    database: Database, new_order: NewOrder
) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    with pytest.raises(DBAPIError, match="less than the floor"):
        async with database.transaction() as session:
            await attempts.insert_attempt(session, signed(order, token))
    back = await new_order()
    token = await taken(database, back.id)
    async with database.transaction() as session:
        await repository.advance(session, back.id, token, event="rolled_back", rolled_back_at=repository.DATABASE_NOW)
    with pytest.raises(DBAPIError, match="rolled back"):
        await submit(database, back, token, signed(back, token))


async def test_a_cancelled_order_stays_cancelled(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    async with database.transaction() as session:
        await repository.request_cancel(session, order.user_id, order.id)
    with pytest.raises(DBAPIError, match="stays cancelled"):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token, event="revived", cancel_requested_at=None)


async def test_a_write_with_an_old_token_changes_nothing(database: Database, new_order: NewOrder) -> None:
    order = await new_order()
    token = await taken(database, order.id)
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await repository.advance(session, order.id, token - 1, event="routing", status="routing")
    async with database.transaction() as session:
        kept = await repository.order_by_id(session, order.id)
        assert kept is not None
        assert (kept.status, kept.seq) == ("pending", 1)
        assert len(await repository.events_of(session, order.id)) == 1
