"""A client is told each event of what it follows once and in order, whatever is lost, late or doubled on the way."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_app.api.sockets.following import Following
from engine_app.api.sockets.protocol import TooManySubscriptions
from engine_app.orders.errors import OrderNotFound
from engine_app.orders.updates import Stage, Update

USER = 7
LAST = 6
"""Events of an order's life; the last but one confirms it, the last ends it."""


def event(order: int, seq: int) -> Update:
    stage = {LAST: Stage.ENDED, LAST - 1: Stage.CONFIRMED}.get(seq, Stage.OPEN)
    return Update(USER, UUID(int=order), seq, stage, "{}")


class Past:
    """The database: how many events each order has by now."""

    def __init__(self) -> None:
        self.written: dict[int, int] = {}
        self.read_as_open: set[int] = set()
        """What was open whenever that was asked."""

    async def updates(self, user_id: int, after: Mapping[UUID, int | None]) -> list[Update]:
        assert user_id == USER
        await asyncio.sleep(0)
        told: list[Update] = []
        for order_id, seen in after.items():
            newest = self.written.get(order_id.int)
            if newest is None:
                raise OrderNotFound("there is no such order of yours")
            told += [event(order_id.int, seq) for seq in range(newest if seen is None else seen + 1, newest + 1)]
        return told

    async def open_updates(self, user_id: int) -> list[Update]:
        await asyncio.sleep(0)
        found = [event(order, seq) for order, seq in self.written.items() if event(order, seq).stage is Stage.OPEN]
        self.read_as_open |= {update.order_id.int for update in found}
        return found


class Client:
    """What a client was told."""

    def __init__(self, past: Past, *, most: int = 10) -> None:
        self.told: dict[int, list[int]] = defaultdict(list)
        self.following = Following(past, USER, self._tell, most=most)

    async def _tell(self, update: Update) -> None:
        await asyncio.sleep(0)
        self.told[update.order_id.int].append(update.seq)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "deliver", "deliver", "lose", "deliver late"]), st.integers(1, 3)
    ),
    max_size=60,
)


@settings(max_examples=100)
@given(before=STEPS, after=STEPS, named=st.booleans())
def test_nothing_is_left_out_or_told_twice(
    before: list[tuple[str, int]], after: list[tuple[str, int]], named: bool
) -> None:
    async def story() -> None:
        past, pending = Past(), list[Update | None]()
        client = Client(past)
        from_the_start: dict[int, int] = {}

        async def play(steps: list[tuple[str, int]]) -> None:
            for step, order in steps:
                if step == "write" and past.written.get(order, 0) < LAST:
                    past.written[order] = past.written.get(order, 0) + 1
                    pending.append(event(order, past.written[order]))
                elif step == "lose" and pending:
                    # Whatever the feed loses it owns up to, after what it has kept.
                    pending[:] = [None]
                elif step == "deliver late" and len(pending) > 1 and None not in pending:
                    pending.append(pending.pop(0))
                elif step == "deliver" and pending:
                    await client.following.take(pending.pop(0))

        await play(before)
        if named:
            from_the_start = dict.fromkeys(past.written, 0)
            wish = asyncio.create_task(client.following.subscribe({UUID(int=order): 0 for order in from_the_start}))
        else:
            wish = asyncio.create_task(client.following.subscribe(None))
        await asyncio.sleep(0)
        await play(after)
        await wish
        for update in [*pending, None]:
            await client.following.take(update)
        for order, newest in past.written.items():
            seqs = client.told[order]
            assert seqs == sorted(set(seqs)), f"order {order} was told {seqs}"
            if named and order not in from_the_start:
                assert seqs == []
            elif seqs:
                assert seqs == list(range(seqs[0], newest + 1)), f"order {order}, now at {newest}, was told {seqs}"
            if order in from_the_start:
                assert seqs == list(range(1, newest + 1))
            if not named and order in past.read_as_open:
                assert seqs[-1:] == [newest]

    asyncio.run(story())


def test_an_order_of_somebody_else_is_refused_and_changes_nothing() -> None:
    async def story() -> None:
        past = Past()
        past.written[1] = 2
        client = Client(past)
        with pytest.raises(OrderNotFound):
            await client.following.subscribe({UUID(int=1): 0, UUID(int=2): 0})
        past.written[1] = 3
        await client.following.take(event(1, 3))
        assert not client.told

    asyncio.run(story())


def test_no_more_orders_by_name_than_allowed() -> None:
    async def story() -> None:
        past = Past()
        past.written = dict.fromkeys(range(1, 13), 1)
        client = Client(past, most=10)
        await client.following.subscribe({UUID(int=order): None for order in range(1, 11)})
        await client.following.subscribe({UUID(int=3): 0})
        with pytest.raises(TooManySubscriptions):
            await client.following.subscribe({UUID(int=11): None})
        # What has ended makes room.
        past.written[5] = LAST
        for seq in range(2, LAST + 1):
            await client.following.take(event(5, seq))
        await client.following.subscribe({UUID(int=11): None})
        assert client.told[11] == [1]

    asyncio.run(story())
