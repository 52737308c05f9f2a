"""The tables of orders, attempts, events and reservations.

The rules that keep money safe are constraints and triggers of the database (see the first migration), not good
manners of the code: one live attempt per order, signed facts that never change, a verdict written once from
finalized evidence, finals that stay final.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from engine_app.storage.columns import base_units, document, moment, reference

STATUSES = ("pending", "routing", "building", "submitted", "confirmed", "failed")
OPEN_STATUSES = STATUSES[:4]
IS_OPEN = "status IN ('pending', 'routing', 'building', 'submitted')"
"""The predicate of the indexes over open orders; a query that is to use them has to say it in these words."""
VERDICTS = ("not_sent", "landed", "landed_error", "expired")
NEWEST_FIRST = (text("created_at DESC"), text("id DESC"))


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Order(SQLModel, table=True):
    """One order. All amounts are base units; `token_in` and `token_out` are mints.

    `quoted_out` and `floor_out` are fixed once, by the order's first quote. `seq` is the number of its last event.
    The lease columns say who may advance it now: each taking gets a new `fencing_token`, and every write that
    advances the order names the token it holds.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ("swap", "transfer")), name="kind_is_known"),
        CheckConstraint("(kind = 'transfer') = (destination IS NOT NULL)", name="transfer_has_its_destination"),
        CheckConstraint("kind <> 'transfer' OR token_in = token_out", name="transfer_is_of_one_token"),
        CheckConstraint(_one_of("status", STATUSES), name="status_is_known"),
        CheckConstraint("amount_in > 0", name="amount_in_is_positive"),
        CheckConstraint("tries BETWEEN 0 AND 3", name="at_most_three_tries"),
        CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="failed_has_its_reason"),
        CheckConstraint(
            "status <> 'confirmed' OR (spent_in IS NOT NULL AND amount_out IS NOT NULL AND tx_hash IS NOT NULL)",
            name="confirmed_has_its_amounts",
        ),
        CheckConstraint("amount_out IS NULL OR amount_out >= floor_out", name="never_below_the_floor"),
        CheckConstraint("slippage >= 0 AND slippage < 0.5", name="slippage_is_a_fraction"),
        CheckConstraint("max_price_impact > 0 AND max_price_impact <= 0.5", name="max_price_impact_is_a_fraction"),
        CheckConstraint("min_amount_out IS NULL OR min_amount_out > 0", name="min_amount_out_is_positive"),
        CheckConstraint(
            "floor_out IS NULL OR floor_out <= greatest(quoted_out, min_amount_out)", name="floor_is_below_the_quote"
        ),
        CheckConstraint(
            "floor_out IS NULL OR min_amount_out IS NULL OR floor_out >= min_amount_out",
            name="floor_is_not_below_min_amount_out",
        ),
        CheckConstraint("status NOT IN ('confirmed', 'failed') OR waiting_for IS NULL", name="done_waits_for_nothing"),
        CheckConstraint("finalized_at IS NULL OR status = 'confirmed'", name="only_confirmed_is_finalized"),
        Index("orders_of_a_user", "user_id", *NEWEST_FIRST),
        Index("orders_of_a_user_open", "user_id", *NEWEST_FIRST, postgresql_where=text(IS_OPEN)),
        Index("orders_of_a_user_confirmed", "user_id", *NEWEST_FIRST, postgresql_where=text("status = 'confirmed'")),
        Index("orders_of_a_user_failed", "user_id", *NEWEST_FIRST, postgresql_where=text("status = 'failed'")),
        Index("orders_of_a_user_token_in", "user_id", "token_in", *NEWEST_FIRST),
        Index("orders_of_a_user_token_out", "user_id", "token_out", *NEWEST_FIRST),
        Index("orders_of_a_user_transfers", "user_id", *NEWEST_FIRST, postgresql_where=text("kind = 'transfer'")),
        Index(
            "orders_in_flight",
            "created_at",
            postgresql_where=text(IS_OPEN),
        ),
        Index(
            "orders_to_finalize",
            "created_at",
            postgresql_where=text("status = 'confirmed' AND finalized_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    user_id: int = Field(sa_column=reference("users.id"))
    wallet_id: int = Field(sa_column=reference("wallets.id", index=True))
    kind: str = "swap"
    token_in: str
    token_out: str
    decimals_in: int = Field(sa_type=SmallInteger)
    decimals_out: int = Field(sa_type=SmallInteger)
    destination: str | None = None
    amount_in: Decimal = Field(sa_column=base_units())
    slippage: Decimal = Field(sa_column=Column(Numeric(10, 9), nullable=False))
    max_price_impact: Decimal = Field(sa_column=Column(Numeric(10, 9), nullable=False))
    expected_quote: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    min_amount_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    token_warnings: dict[str, list[str]] = Field(default_factory=dict, sa_column=document(default_empty=True))

    status: str = "pending"
    quoted_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    floor_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    min_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    selected_dex: str | None = None
    decision: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    tx_hash: str | None = None
    spent_in: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    amount_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    fill: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    error_code: str | None = None
    error_message: str | None = None

    tries: int = Field(default=0, sa_type=SmallInteger)
    waiting_for: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    not_before: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    expires_at: datetime = Field(default=None, sa_column=moment())
    rolled_back_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    cancel_requested_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    seq: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    fencing_token: int = Field(default=0, sa_type=BigInteger)
    volume_day: date | None = None
    """The day towards whose limits its amount counts, None where its token has none."""
    rpc_calls: dict[str, int] = Field(default_factory=dict, sa_column=document())

    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    updated_at: datetime = Field(default=None, sa_column=moment(default_now=True))
    finalized_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Attempt(SQLModel, table=True):
    """One try of an order.

    A try that sent nothing is born with verdict `not_sent` and no signature. Any other is live until its verdict.
    The signed facts never change. What is seen before finality is an observation and may be withdrawn.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("order_id", "number", name="attempt_number_is_unique"),
        Index("one_live_attempt", "order_id", unique=True, postgresql_where=text("verdict IS NULL")),
        CheckConstraint("number BETWEEN 1 AND 3", name="at_most_three_attempts"),
        CheckConstraint(
            "verdict IS NULL OR " + _one_of("verdict", VERDICTS),
            name="verdict_is_known",
        ),
        CheckConstraint(
            "CASE WHEN verdict = 'not_sent' THEN num_nonnulls(signature, transaction, blockhash, blockhash_slot, "
            "last_valid_block_height) = 0 ELSE num_nulls(signature, transaction, blockhash, "
            "blockhash_slot, last_valid_block_height, fencing_token) = 0 END",
            name="signed_facts_are_whole",
        ),
        CheckConstraint(
            "(verdict IS NULL) = (verdict_at IS NULL) AND (verdict IS NULL OR evidence IS NOT NULL)",
            name="verdict_has_evidence",
        ),
        CheckConstraint(
            "verdict IS NULL OR verdict NOT IN ('landed', 'landed_error') OR "
            "(evidence ->> 'commitment' IS NOT DISTINCT FROM 'finalized' AND evidence ->> 'slot' IS NOT NULL "
            "AND (verdict = 'landed') = (evidence ->> 'error' IS NULL))",
            name="landed_is_finalized",
        ),
        CheckConstraint(
            "verdict IS NULL OR verdict <> 'expired' OR evidence ->> 'operator' IS NOT NULL OR coalesce("
            "(evidence ->> 'blockHeight')::bigint > last_valid_block_height "
            "AND (evidence ->> 'firstAvailableBlock')::bigint <= blockhash_slot "
            "AND (evidence ->> 'statusSlot')::bigint >= (evidence ->> 'slot')::bigint, false)",
            name="expired_is_proven",
        ),
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(sa_column=reference("orders.id"))
    number: int = Field(sa_type=SmallInteger)
    fencing_token: int | None = Field(default=None, sa_type=BigInteger)
    quoted_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    min_out: Decimal | None = Field(default=None, sa_column=base_units(nullable=True))
    selected_dex: str | None = None
    compute_unit_limit: int | None = None
    compute_unit_price: int | None = Field(default=None, sa_type=BigInteger)
    signature: str | None = Field(default=None, unique=True)
    transaction: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    blockhash: str | None = None
    blockhash_slot: int | None = Field(default=None, sa_type=BigInteger)
    last_valid_block_height: int | None = Field(default=None, sa_type=BigInteger)

    observed_slot: int | None = Field(default=None, sa_type=BigInteger)
    observed_error: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    observed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    verdict: str | None = None
    evidence: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    verdict_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    error_code: str | None = None
    error_message: str | None = None
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))


class OrderEvent(SQLModel, table=True):
    """One thing that happened to an order; `seq` counts per order from 1. Never changed, never deleted.

    `state` is what could change of the order as it stood after the event, by column, without nulls: with it an event
    can be told again later as it was told live. None in rows that are older than the column.
    """

    __tablename__ = "order_events"

    order_id: UUID = Field(sa_column=reference("orders.id", primary_key=True))
    seq: int = Field(primary_key=True)
    at: datetime = Field(default=None, sa_column=moment(default_now=True))
    status: str
    name: str
    data: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    worker: str | None = None
    state: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))


class Reservation(SQLModel, table=True):
    """A part of a wallet's balance that belongs to one order.

    It counts while it is open, and after that for every balance that was read at a slot before `landed_slot`.
    `mint` is wrapped SOL's for lamports.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("amount > 0", name="reserved_amount_is_positive"),
        CheckConstraint("landed_slot IS NULL OR closed_at IS NOT NULL", name="landed_is_closed"),
        Index("open_reservations", "wallet_id", "mint", postgresql_where=text("closed_at IS NULL")),
        Index("closed_reservations", "wallet_id", "mint", "landed_slot"),
    )

    order_id: UUID = Field(sa_column=reference("orders.id", primary_key=True))
    mint: str = Field(primary_key=True)
    wallet_id: int = Field(sa_column=reference("wallets.id"))
    amount: Decimal = Field(sa_column=base_units())
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    landed_slot: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))


class OrderVolume(SQLModel, table=True):
    """What was paid of a token in one day (UTC), by one account's orders or, under 0, by all.

    Failed orders do not count. Kept only for tokens that have a daily limit.
    """

    __tablename__ = "order_volumes"
    __table_args__ = (CheckConstraint("amount >= 0", name="volume_is_not_negative"),)

    user_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    mint: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    amount: Decimal = Field(sa_column=Column(Numeric(40, 0), nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """A key under which a user has placed an order, with a digest of what he asked for; kept a day and longer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_by_age", "created_at"),)

    user_id: int = Field(sa_column=reference("users.id", primary_key=True))
    key: str = Field(primary_key=True, max_length=255)
    digest: str
    order_id: UUID = Field(
        sa_column=Column(ForeignKey("orders.id", deferrable=True, initially="DEFERRED"), nullable=False)
    )
    created_at: datetime = Field(default=None, sa_column=moment(default_now=True))
