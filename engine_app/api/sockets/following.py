"""What one socket follows, and how much of it the client has been told: nothing twice, nothing left out.

The feed is subscribed to first, then Postgres is read, then what comes live is compared by `seq` with what was read.
A `seq` that is further on than the next one means that something is missing, or still on its way from another
process: then Postgres tells what lies between.

Who follows all open orders is told those that are placed from then on, also one that came and ended while the feed was
lost. What may have been missed was placed since `_placed_from`, which follows the orders that are heard of: whatever
was placed a while before one of them has been heard of, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol
from uuid import UUID

from engine_app.api.sockets.protocol import TooManySubscriptions
from engine_app.orders.updates import Missed, Stage, Update

ENDED_REMEMBERED = 1_000
"""More than end while a word of one of them is on its way."""
LATE = timedelta(seconds=60)
"""More than passes from when an order was placed to when it can be read, and to the first word of it."""
READ_AT_ONCE = 100
"""Orders whose past is read at once, where there may be any number of them."""

Tell = Callable[[Update], Awaitable[None]]


class Records(Protocol):
    """Where the past is read."""

    async def updates(self, user_id: int, after: Mapping[UUID, int | None]) -> Missed:
        """What happened to a user's orders since; raises OrderNotFound where one is not his."""
        ...

    async def open_updates(self, user_id: int) -> list[Update]:
        """The present state of a user's open orders, the oldest first."""
        ...

    async def clock(self) -> datetime:
        """The clock by which orders are placed."""
        ...

    async def placed_since(self, user_id: int, moment: datetime) -> Mapping[UUID, datetime]:
        """A user's orders that were placed at a moment or later, and when; the oldest first."""
        ...


class Following:
    """The subscriptions of one socket.

    Args:
        records: where the past is read.
        user_id: whose socket it is.
        tell: sends one update to the client.
        most: orders that may be followed by name at once.
    """

    def __init__(self, records: Records, user_id: int, tell: Tell, *, most: int) -> None:
        self._records = records
        self._user_id = user_id
        self._tell = tell
        self._most = most
        self._told: dict[UUID, int] = {}
        """Followed orders: the `seq` up to which each was told."""
        self._ended: dict[UUID, datetime] = {}
        """Orders that were told to their end, and when each was placed: the latest of them, and all that were placed
        since `_placed_from`."""
        self._placed_from: datetime | None = None
        """Where all open orders are followed: of those that were placed before, none is left to be heard of."""
        self._before: frozenset[UUID] = frozenset()
        """Orders that were placed since `_placed_from`, yet open no more when all open ones began to be followed."""
        self._one_at_a_time = asyncio.Lock()

    async def subscribe(self, orders: Mapping[UUID, int | None] | None) -> None:
        """Follow orders, and tell first what the client does not have of them.

        Args:
            orders: order → the last `seq` that the client has, None for its present state; None: all open orders,
                those that are yet to be placed as well.

        Raises:
            TooManySubscriptions, OrderNotFound, DATABASE_AWAY: nothing changed.
        """
        async with self._one_at_a_time:
            if orders is not None:
                await self._follow(orders)
            elif self._placed_from is None:
                await self._follow_all()
            else:
                await self._catch_up()

    async def take(self, update: Update | None) -> None:
        """Take what the feed gave; None: something was lost, and everything followed is looked up."""
        async with self._one_at_a_time:
            if update is None:
                await self._catch_up()
                return
            told = self._told.get(update.order_id)
            if told is None:
                await self._take_unknown(update)
            elif update.seq == told + 1:
                await self._told_now([update])
            elif update.seq > told:
                await self._tell_after({update.order_id: told})

    async def _follow(self, orders: Mapping[UUID, int | None]) -> None:
        missed = await self._records.updates(self._user_id, orders)
        if len((self._told.keys() | orders.keys()) - missed.ended.keys()) > self._most:
            raise TooManySubscriptions(f"one socket follows at most {self._most} orders by name")
        self._told |= {order_id: seq or 0 for order_id, seq in orders.items()}
        await self._told_missed(missed)

    async def _follow_all(self) -> None:
        # Nothing changes before all is read, and no word that comes meanwhile is taken before that.
        placed_from = await self._records.clock() - LATE
        lately = await self._records.placed_since(self._user_id, placed_from)
        present = await self._records.open_updates(self._user_id)
        # What was asked for by name, to go on from where a lost connection ended, does so.
        named = {one.order_id: self._told[one.order_id] for one in present if one.order_id in self._told}
        missed = await self._records.updates(self._user_id, named)
        self._placed_from = placed_from
        self._before = frozenset(lately.keys() - self._told.keys() - {one.order_id for one in present})
        await self._told_missed(missed)
        await self._told_now([one for one in present if one.order_id not in named])

    async def _take_unknown(self, update: Update) -> None:
        """Take a word of an order that is not followed; it need not be the order's first."""
        order_id = update.order_id
        if self._placed_from is None or order_id in self._ended:
            return
        if update.placed_at >= self._placed_from and order_id not in self._before:
            if update.seq == 1:
                await self._told_now([update])
            else:
                await self._tell_after({order_id: 0})
            self._go_on_from(update.placed_at)
        elif update.stage is Stage.OPEN:
            # A fork took back what the order had come to, or the word is late by more than its whole life.
            missed = await self._records.updates(self._user_id, {order_id: 0})
            if order_id not in missed.ended:
                await self._told_missed(missed)

    async def _catch_up(self) -> None:
        lately: Mapping[UUID, datetime] = {}
        if self._placed_from is not None:
            lately = await self._records.placed_since(self._user_id, self._placed_from)
            present = dict.fromkeys(update.order_id for update in await self._records.open_updates(self._user_id))
            done = (self._ended.keys() | self._before) - present.keys()
            sought = [*(order_id for order_id in present if order_id not in lately), *lately]
            self._told |= {order_id: 0 for order_id in sought if order_id not in self._told and order_id not in done}
        followed = iter(list(self._told.items()))
        while some := dict(islice(followed, READ_AT_ONCE)):
            await self._tell_after(some)
        if lately:
            self._go_on_from(max(lately.values()))

    def _go_on_from(self, placed_at: datetime) -> None:
        """All that was placed a while before this has been heard of."""
        if self._placed_from is not None:
            self._placed_from = max(self._placed_from, placed_at - LATE)

    async def _tell_after(self, told: Mapping[UUID, int]) -> None:
        await self._told_missed(await self._records.updates(self._user_id, told))

    async def _told_missed(self, missed: Missed) -> None:
        await self._told_now(missed.updates)
        # Of an order that has ended the client may have had everything.
        for order_id, placed_at in missed.ended.items():
            self._has_ended(order_id, placed_at)

    async def _told_now(self, updates: list[Update]) -> None:
        for update in updates:
            await self._tell(update)
            if update.stage is Stage.ENDED:
                self._has_ended(update.order_id, update.placed_at)
            else:
                self._told[update.order_id] = update.seq

    def _has_ended(self, order_id: UUID, placed_at: datetime) -> None:
        self._told.pop(order_id, None)
        self._ended[order_id] = placed_at
        while len(self._ended) > ENDED_REMEMBERED:
            earliest = next(iter(self._ended))
            if self._placed_from is not None and self._ended[earliest] >= self._placed_from:
                return
            del self._ended[earliest]
