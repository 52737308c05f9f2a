"""What an order does next: a pure function of its row and the database's clock.

    pending → routing → building → submitted → confirmed
                 ↑          │          │  ↑        │
                 └──────────┴──────────┘  └────────┘  (a fork took it back)

`failed` is reached from any of the first four, and only when no attempt can still land.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAX_TRIES = 3
RETRY_AFTER = {1: timedelta(seconds=2), 2: timedelta(seconds=4)}
"""From when the failure of try n was seen to the start of try n + 1."""


class Status(StrEnum):
    """The six statuses of an order."""

    PENDING = "pending"
    ROUTING = "routing"
    BUILDING = "building"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class Verdict(StrEnum):
    """How an attempt ended. A live one has none."""

    NOT_SENT = "not_sent"
    LANDED = "landed"
    LANDED_ERROR = "landed_error"
    EXPIRED = "expired"


class WaitReason(StrEnum):
    """What an order waits for."""

    LANDING = "landing"
    FINALITY = "finality"
    EXPIRY = "expiry"
    RETRY = "retry"
    NODE = "node"
    OPERATOR = "operator"


class Next(StrEnum):
    """What to do with an order now."""

    NOTHING = "nothing"
    """It is done, or only waits to be finalized."""
    WATCH = "watch"
    """An attempt is live: follow it to its proof."""
    WAIT = "wait"
    """Its next try is not due yet."""
    FAIL = "fail"
    """It must not be tried again, and nothing of it can still land."""
    TRADE = "trade"
    """Quote, build, sign and send the next try."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """What decides an order's next step. Times are the database's."""

    status: Status
    tries: int
    has_live_attempt: bool
    expires_at: datetime
    not_before: datetime | None
    cancel_requested: bool
    rolled_back: bool
    last_error: str | None
    """The code that ended the last try, or None."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next step, with the code of the failure for `FAIL` and the time for `WAIT`."""

    next: Next
    code: str | None = None
    until: datetime | None = None


def next_step(order: OrderState, now: datetime) -> Step:
    """What to do with an order at `now`, the database's clock."""
    if order.status in (Status.CONFIRMED, Status.FAILED):
        return Step(Next.NOTHING)
    if order.has_live_attempt:
        return Step(Next.WATCH)
    if order.rolled_back:
        return Step(Next.FAIL, code="ROLLED_BACK")
    if order.cancel_requested:
        return Step(Next.FAIL, code="CANCELLED")
    if order.tries >= MAX_TRIES:
        return Step(Next.FAIL, code=order.last_error or "NOT_LANDED")
    if now >= order.expires_at:
        return Step(Next.FAIL, code="EXPIRED")
    if order.not_before is not None and now < order.not_before:
        return Step(Next.WAIT, until=min(order.not_before, order.expires_at))
    return Step(Next.TRADE)


def retry_time(tries: int, seen_at: datetime) -> datetime | None:
    """When the try after number `tries` may start; None where there is no further one.

    Args:
        tries: how many tries are used up, the failed one included.
        seen_at: when its failure was seen.
    """
    wait = RETRY_AFTER.get(tries)
    return None if wait is None else seen_at + wait
