"""What an operator reads of orders, in lines. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from engine_app.orders.models import Attempt, Order
from engine_app.orders.oversight import Story, Stuck


def stuck_line(order: Stuck) -> str:
    """One stuck order: what it is, since when, what it waits for, who has it."""
    waits = (order.waiting_for or {}).get("code") or (order.waiting_for or {}).get("reason") or "nothing"
    held = f"held by {order.holder}" if order.holder else f"due for {order.overdue} s and held by nobody"
    return f"{order.order_id}  {order.status}, {order.seconds} s old, try {order.tries}, waits for {waits}, {held}"


def story_lines(story: Story) -> Iterator[str]:
    """One order: the order, what happened in order of time, its tries, what it holds of its wallet."""
    order = story.order
    yield f"order {order.id} of {story.username}, wallet {story.address}"
    yield f"  asked   {order.kind} {order.amount_in} of {order.token_in} for {order.token_out}, base units"
    yield f"          slippage {order.slippage}, price impact {order.max_price_impact}, until {_time(order.expires_at)}"
    yield f"  stands  {order.status}{_reason(order)}, {order.tries} tries, event {order.seq}"
    yield f"  quote   {order.quoted_out}, floor {order.floor_out}; spent {order.spent_in}, got {order.amount_out}"
    yield f"  lease   {order.lease_owner or 'nobody'} until {order.lease_until}, token {order.fencing_token}"
    yield f"  calls   {_json(order.rpc_calls)}"
    yield "events"
    for event in story.events:
        by = f" by {event.worker}" if event.worker else ""
        yield f"  {event.seq:>3}  {_time(event.at)}  {event.status:<9}  {event.name}{by}  {_json(event.data)}"
    for attempt in story.attempts:
        yield from _attempt_lines(attempt)
    for held in story.reservations:
        state = "held" if held.closed_at is None else f"given back {_time(held.closed_at)}, landed {held.landed_slot}"
        yield f"reserved {held.amount} of {held.mint}: {state}"


def _attempt_lines(attempt: Attempt) -> Iterator[str]:
    yield f"try {attempt.number}, {attempt.verdict or 'live'}, signature {attempt.signature}"
    yield f"  made    {_time(attempt.created_at)} for at least {attempt.min_out}, on {attempt.selected_dex}"
    yield f"  valid   to block {attempt.last_valid_block_height}, {attempt.blockhash} of slot {attempt.blockhash_slot}"
    yield f"  seen    slot {attempt.observed_slot}, error {_json(attempt.observed_error)}"
    yield f"  proof   {_json(attempt.evidence)} {attempt.error_code or ''} {attempt.error_message or ''}".rstrip()


def _reason(order: Order) -> str:
    if order.error_code:
        return f" ({order.error_code}: {order.error_message})"
    return f", waits for {_json(order.waiting_for)}" if order.waiting_for else ""


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _json(document: Any) -> str:
    return json.dumps(document, default=str, ensure_ascii=False)
