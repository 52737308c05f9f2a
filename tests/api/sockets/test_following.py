"""A client is told each event of what it follows once and in order, whatever is lost, late or doubled on the way."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_app.api.sockets import following
from engine_app.api.sockets.following import LATE, Following
from engine_app.api.sockets.protocol import TooManySubscriptions
from engine_app.orders.errors import OrderNotFound
from engine_app.orders.updates import Missed, Stage, Update

USER = 7
LAST = 6
"""Events of an order's life; the last but one confirms it, the last ends it."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = 6


def event(order: int, seq: int, placed_at: datetime = BEGAN) -> Update:
    stage = {LAST: Stage.ENDED, LAST - 1: Stage.CONFIRMED}.get(seq, Stage.OPEN)
    return Update(USER, UUID(int=order), seq, stage, f'{{"createdAt": "{placed_at.isoformat()}"}}')


class Past:
    """The database: how many events each order has by now."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.written: dict[int, int] = {}
        self.placed: dict[int, datetime] = {}
        self.read_as_open: set[int] = set()
        """What was open whenever that was asked."""
        self.read_placed: list[int] = []
        """How many orders each read of those that were placed lately gave."""
        self.fails_at = 0
        """The database does not answer the read of this number from now; 0: it answers all."""

    def write(self, order: int, times: int = 1) -> Update:
        """The next event of an order, or the last of several."""
        self.now += timedelta(milliseconds=10)
        self.placed.setdefault(order, self.now)
        self.written[order] = self.written.get(order, 0) + times
        return self.event(order, self.written[order])

    def event(self, order: int, seq: int) -> Update:
        return event(order, seq, self.placed[order])

    async def _read(self) -> None:
        await asyncio.sleep(0)
        if self.fails_at:
            self.fails_at -= 1
            if not self.fails_at:
                raise psycopg.OperationalError

    async def updates(self, user_id: int, after: Mapping[UUID, int | None]) -> Missed:
        assert user_id == USER
        await self._read()
        told: list[Update] = []
        for order_id, seen in after.items():
            newest = self.written.get(order_id.int)
            if newest is None:
                raise OrderNotFound("there is no such order of yours")
            told += [self.event(order_id.int, seq) for seq in range(newest if seen is None else seen + 1, newest + 1)]
        return Missed(told, {each: self.placed[each.int] for each in after if self.written[each.int] == LAST})

    async def open_updates(self, user_id: int) -> list[Update]:
        assert user_id == USER
        await self._read()
        newest = [self.event(order, seq) for order, seq in self.written.items()]
        found = [update for update in newest if update.stage is Stage.OPEN]
        self.read_as_open |= {update.order_id.int for update in found}
        return found

    async def clock(self) -> datetime:
        await self._read()
        return self.now

    async def placed_since(self, user_id: int, moment: datetime) -> dict[UUID, datetime]:
        assert user_id == USER
        await self._read()
        found = {UUID(int=order): placed_at for order, placed_at in self.placed.items() if placed_at >= moment}
        self.read_placed.append(len(found))
        return found


class Client:
    """What a client was told."""

    def __init__(self, past: Past, *, most: int = 10) -> None:
        self.told: dict[int, list[int]] = defaultdict(list)
        self.following = Following(past, USER, self._tell, most=most)

    async def _tell(self, update: Update) -> None:
        await asyncio.sleep(0)
        self.told[update.order_id.int].append(update.seq)


KINDS = ["write"] * 3 + ["write all"] + ["deliver"] * 2 + ["lose", "fail", "deliver late", "wait"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, ORDERS)), max_size=60)


@settings(max_examples=200)
@given(before=STEPS, during=STEPS, after=STEPS, wishes=st.sampled_from([["named"], ["all"], ["named", "all", "all"]]))
def test_nothing_is_left_out_or_told_twice(
    before: list[tuple[str, int]], during: list[tuple[str, int]], after: list[tuple[str, int]], wishes: list[str]
) -> None:
    async def story() -> None:
        past, pending = Past(), list[Update | None]()
        client = Client(past)

        async def deliver(update: Update | None) -> None:
            """As the socket does it: what could not be read is read again."""
            told = update
            while True:
                try:
                    await client.following.take(told)
                    return
                except psycopg.OperationalError:
                    told = None

        async def play(steps: list[tuple[str, int]]) -> None:
            for step, order in steps:
                left = LAST - past.written.get(order, 0)
                if step in ("write", "write all"):
                    for _ in range(left if step == "write all" else min(left, 1)):
                        pending.append(past.write(order))
                elif step == "lose" and pending:
                    # Whatever the feed loses it owns up to, after what it has kept.
                    pending[:] = [None]
                elif step == "fail":
                    past.fails_at = 1 + order % 4
                elif step == "deliver late" and len(pending) > 1 and None not in pending:
                    pending.append(pending.pop(0))
                elif step == "wait" and (not pending or pending[0] is None):
                    # No word is late by so much, unless what was lost is still to be owned up to.
                    past.now += LATE * order
                elif step == "deliver" and pending:
                    await deliver(pending.pop(0))

        async def wish() -> None:
            for each in wishes:
                while True:
                    try:
                        await client.following.subscribe(
                            None if each == "all" else {UUID(int=order): 0 for order in from_the_start}
                        )
                        break
                    except psycopg.OperationalError:
                        past.read_as_open.clear()

        await play(before)
        from_the_start = set(past.written) if "named" in wishes else set()
        wishing = asyncio.create_task(wish())
        await asyncio.sleep(0)
        await play(during)
        await wishing
        placed_later = set[int]() if wishes == ["named"] else set(range(1, ORDERS + 1)) - past.written.keys()
        await play(after)
        for update in [*pending, None]:
            await deliver(update)
        for order, newest in past.written.items():
            seqs = client.told[order]
            assert seqs == sorted(set(seqs)), f"order {order} was told {seqs}"
            if wishes == ["named"] and order not in from_the_start:
                assert seqs == []
            elif seqs:
                assert seqs == list(range(seqs[0], newest + 1)), f"order {order}, now at {newest}, was told {seqs}"
            if order in from_the_start | placed_later:
                assert seqs == list(range(1, newest + 1)), f"order {order}, now at {newest}, was told {seqs}"
            if wishes != ["named"] and order in past.read_as_open:
                assert seqs[-1:] == [newest]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "ENDED_REMEMBERED", 1)
        patch.setattr(following, "READ_AT_ONCE", 2)
        asyncio.run(story())


def test_what_was_placed_and_ended_in_a_gap_is_told_whole_and_the_oldest_first() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(9, LAST)
        await client.following.subscribe(None)
        for order in (3, 1, 2):
            past.write(order, LAST)
        await client.following.take(None)
        await client.following.take(None)
        assert list(client.told.items()) == [(order, list(range(1, LAST + 1))) for order in (3, 1, 2)]

    asyncio.run(story())


def test_an_order_whose_first_word_is_lost_without_a_gap_is_known_by_its_last() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(1, LAST - 1)
        await client.following.subscribe(None)
        await client.following.take(past.write(1))
        await client.following.take(past.write(2, LAST))
        assert client.told == {2: list(range(1, LAST + 1))}

    asyncio.run(story())


def test_what_was_forgotten_is_never_told_again_and_little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ENDED_REMEMBERED", 3)

    async def story() -> None:
        past = Past()
        client = Client(past)
        await client.following.subscribe(None)
        for order in range(1, 51):
            past.now += LATE / 10
            for _ in range(LAST):
                await client.following.take(past.write(order))
            if order % 7 == 0:
                await client.following.take(None)
        # A word that comes after all this time is none of a new order.
        await client.following.take(past.event(1, 2))
        assert client.told == {order: list(range(1, LAST + 1)) for order in range(1, 51)}
        assert max(past.read_placed) <= 11

    asyncio.run(story())


def test_an_old_order_that_is_open_again_is_followed() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(1, LAST - 1)
        past.now += 2 * LATE
        await client.following.subscribe(None)
        assert not client.told
        past.written[1] = 3
        await client.following.take(past.event(1, 3))
        assert client.told == {1: [1, 2, 3]}

    asyncio.run(story())


def test_an_order_that_is_open_again_after_a_gap_is_followed() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(1, LAST - 1)
        await client.following.subscribe(None)
        past.written[1] = 3
        await client.following.take(None)
        assert client.told == {1: [1, 2, 3]}

    asyncio.run(story())


def test_an_order_that_was_placed_a_little_before_one_that_was_heard_of_may_still_have_been_missed() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        await client.following.subscribe(None)
        past.write(1, LAST)
        await client.following.take(past.write(2))
        await client.following.take(None)
        assert client.told == {1: list(range(1, LAST + 1)), 2: [1]}

    asyncio.run(story())


def test_what_happens_between_two_wishes_is_not_skipped() -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(1, 2)
        await client.following.subscribe({UUID(int=1): 1})
        on_their_way = [past.write(1), past.write(1)]
        await client.following.subscribe(None)
        on_their_way += [past.write(2), past.write(2), past.write(1)]
        await client.following.subscribe(None)
        for update in on_their_way:
            await client.following.take(update)
        assert client.told == {1: [2, 3, 4, 5], 2: [1, 2]}

    asyncio.run(story())


@pytest.mark.parametrize("read", [1, 2, 3, 4])
def test_a_wish_that_cannot_be_read_changes_nothing(read: int) -> None:
    async def story() -> None:
        past = Past()
        client = Client(past)
        past.write(1)
        past.fails_at = read
        with pytest.raises(psycopg.OperationalError):
            await client.following.subscribe(None)
        await client.following.take(past.write(2))
        await client.following.take(None)
        assert not client.told
        await client.following.subscribe(None)
        assert client.told == {1: [1], 2: [1]}

    asyncio.run(story())


def test_an_order_of_somebody_else_is_refused_and_changes_nothing() -> None:
    async def story() -> None:
        past = Past()
        past.write(1, 2)
        client = Client(past)
        with pytest.raises(OrderNotFound):
            await client.following.subscribe({UUID(int=1): 0, UUID(int=2): 0})
        await client.following.take(past.write(1))
        assert not client.told

    asyncio.run(story())


def test_no_more_orders_by_name_than_allowed() -> None:
    async def story() -> None:
        past = Past()
        for order in range(1, 13):
            past.write(order)
        client = Client(past, most=10)
        await client.following.subscribe({UUID(int=order): None for order in range(1, 11)})
        await client.following.subscribe({UUID(int=3): 0})
        with pytest.raises(TooManySubscriptions):
            await client.following.subscribe({UUID(int=11): None})
        # What has ended makes room.
        for _ in range(2, LAST + 1):
            await client.following.take(past.write(5))
        await client.following.subscribe({UUID(int=11): None})
        assert client.told[11] == [1]

    asyncio.run(story())


def test_orders_that_have_ended_are_told_and_not_counted() -> None:
    async def story() -> None:
        past = Past()
        for order in range(1, 31):
            past.write(order, LAST)
        past.write(31, 2)
        client = Client(past, most=1)
        # All that was ever seen, the last of it to the end: a client that keeps it all asks for no more than it may.
        await client.following.subscribe({UUID(int=order): min(order, LAST) for order in range(1, 31)})
        assert client.told == {order: list(range(order + 1, LAST + 1)) for order in range(1, LAST)}
        await client.following.subscribe({UUID(int=31): 0, UUID(int=30): LAST})
        past.write(32)
        with pytest.raises(TooManySubscriptions):
            await client.following.subscribe({UUID(int=32): 0})
        # What the client has to the end is not told with all that is placed from now on, either.
        told = {order: list(seqs) for order, seqs in client.told.items()}
        await client.following.subscribe(None)
        await client.following.take(None)
        assert client.told == told | {31: [1, 2], 32: [1]}

    asyncio.run(story())
