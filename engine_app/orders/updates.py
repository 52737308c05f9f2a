"""One state of an order as whoever watches is told of it: live from Redis, or read again from Postgres. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

from engine_app import exact_json
from engine_app.markets.tokens import TokenList
from engine_app.orders.models import OPEN_STATUSES, Order
from engine_app.orders.view import order_document, quotes_of, shown


class Stage(StrEnum):
    """How far an order has come."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    """Not yet finalized."""
    ENDED = "ended"
    """Nothing about it changes any more."""


@dataclass(frozen=True)
class Update:
    """An order after one of its events.

    Attributes:
        user_id: whose it is.
        order_id, seq: which event of which order. What only counts down anew comes with the `seq` it had.
        stage: how far the order has come.
        text: the order's JSON with `dexQuotes`, every digit kept.
    """

    user_id: int
    order_id: UUID
    seq: int
    stage: Stage
    text: str

    @cached_property
    def order(self) -> dict[str, Any]:
        """The order's JSON as plain values."""
        return dict(orjson.loads(self.text))

    @property
    def placed_at(self) -> datetime:
        """When the order was placed."""
        return datetime.fromisoformat(self.order["createdAt"])

    @property
    def head(self) -> str:
        """The first line of `as_message`, which tells without parsing the order whom and what it concerns."""
        return f"{self.user_id} {self.order_id} {self.seq} {self.stage}\n"

    def as_message(self) -> str:
        """The update as it travels: the head, then the order."""
        return f"{self.head}{self.text}"

    @classmethod
    def from_message(cls, message: str) -> Update:
        """The update that `as_message` wrote. Raises ValueError for anything else."""
        head, _, text = message.partition("\n")
        user_id, order_id, seq, stage = head.split(" ")
        return cls(int(user_id), UUID(order_id), int(seq), Stage(stage), text)


@dataclass(frozen=True)
class Missed:
    """What somebody has missed of some orders.

    Attributes:
        updates: what happened to them, order by order.
        ended: those of them that have come to their end, however little was missed, and when each was placed.
    """

    updates: list[Update]
    ended: Mapping[UUID, datetime]


def update_of(order: Order, tokens: TokenList) -> Update:
    """What is told of one state of an order. Raises ValueError for a row that cannot be shown."""
    document = order_document(shown(order), tokens)
    document["dexQuotes"] = quotes_of(order).model_dump(by_alias=True)
    return Update(order.user_id, order.id, order.seq, stage_of(order), exact_json.dumps(document).decode())


def stage_of(order: Order) -> Stage:
    """How far an order has come."""
    if order.status in OPEN_STATUSES:
        return Stage.OPEN
    return Stage.CONFIRMED if order.status == "confirmed" and order.finalized_at is None else Stage.ENDED
