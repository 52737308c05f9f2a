"""What an order does next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine_app.orders.lifecycle import Next, OrderState, Status, Step, next_step, retry_time

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
FRESH = OrderState(
    status=Status.PENDING,
    tries=0,
    has_live_attempt=False,
    expires_at=NOW + timedelta(minutes=5),
    not_before=None,
    cancel_requested=False,
    rolled_back=False,
    last_error=None,
)


@pytest.mark.parametrize("status", [Status.PENDING, Status.ROUTING, Status.BUILDING])
def test_an_order_without_attempt_is_traded_from_any_state(status: Status) -> None:
    assert next_step(replace(FRESH, status=status), NOW) == Step(Next.TRADE)


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.FAILED])
def test_a_done_order_is_left_alone(status: Status) -> None:
    assert next_step(replace(FRESH, status=status, cancel_requested=True), NOW) == Step(Next.NOTHING)


def test_a_live_attempt_is_watched_whatever_else_is_true() -> None:
    worst = replace(
        FRESH,
        status=Status.SUBMITTED,
        has_live_attempt=True,
        tries=3,
        expires_at=NOW - timedelta(hours=1),
        cancel_requested=True,
        rolled_back=True,
    )
    assert next_step(worst, NOW) == Step(Next.WATCH)


def test_an_expired_order_fails_and_signs_nothing_more() -> None:
    assert next_step(replace(FRESH, expires_at=NOW), NOW) == Step(Next.FAIL, code="EXPIRED")


def test_a_cancelled_order_fails_before_it_expires() -> None:
    assert next_step(replace(FRESH, cancel_requested=True, expires_at=NOW), NOW).code == "CANCELLED"


def test_a_rolled_back_order_is_not_traded_again() -> None:
    assert next_step(replace(FRESH, rolled_back=True, tries=1), NOW).code == "ROLLED_BACK"


def test_three_tries_are_all() -> None:
    assert next_step(replace(FRESH, tries=2), NOW).next is Next.TRADE
    assert next_step(replace(FRESH, tries=3, last_error="SLIPPAGE"), NOW) == Step(Next.FAIL, code="SLIPPAGE")


def test_a_try_waits_for_its_time_but_not_beyond_the_expiry() -> None:
    due = NOW + timedelta(seconds=2)
    assert next_step(replace(FRESH, not_before=due), NOW) == Step(Next.WAIT, until=due)
    assert next_step(replace(FRESH, not_before=due), due) == Step(Next.TRADE)
    soon = NOW + timedelta(seconds=1)
    assert next_step(replace(FRESH, not_before=due, expires_at=soon), NOW).until == soon


def test_retries_come_two_and_four_seconds_after_the_failure_was_seen() -> None:
    assert retry_time(1, NOW) == NOW + timedelta(seconds=2)
    assert retry_time(2, NOW) == NOW + timedelta(seconds=4)
    assert retry_time(3, NOW) is None
