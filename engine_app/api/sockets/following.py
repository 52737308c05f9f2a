"""What one socket follows, and how much of it the client has been told: nothing twice, nothing left out.

The feed is subscribed to first, then Postgres is read, then what comes live is compared by `seq` with what was read.
A `seq` that is further on than the next one means that something is missing, or still on its way from another
process: then Postgres tells what lies between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from uuid import UUID

from engine_app.api.sockets.protocol import TooManySubscriptions
from engine_app.orders.updates import Stage, Update

ENDED_REMEMBERED = 1_000
"""More than end while a word of one of them is on its way."""

Tell = Callable[[Update], Awaitable[None]]


class Records(Protocol):
    """Where the past is read."""

    async def updates(self, user_id: int, after: Mapping[UUID, int | None]) -> list[Update]:
        """What happened to a user's orders since; raises OrderNotFound where one is not his."""
        ...

    async def open_updates(self, user_id: int) -> list[Update]:
        """The present state of a user's open orders, the oldest first."""
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
        self._ended: dict[UUID, None] = {}
        """Orders that were told to their end, the latest of them."""
        self._all_open = False
        self._one_at_a_time = asyncio.Lock()

    async def subscribe(self, orders: Mapping[UUID, int | None] | None) -> None:
        """Follow orders, and tell first what the client does not have of them.

        Args:
            orders: order → the last `seq` that the client has, None for its present state; None: all open orders,
                those that are yet to be placed as well.

        Raises:
            TooManySubscriptions, OrderNotFound: nothing changed.
        """
        async with self._one_at_a_time:
            if orders is None:
                self._all_open = True
                present = await self._records.open_updates(self._user_id)
                # What was asked for by name, to go on from where a lost connection ended, is not told again.
                await self._told_now([one for one in present if self._told.get(one.order_id, 0) < one.seq])
                return
            if len(self._told.keys() | orders.keys()) > self._most:
                raise TooManySubscriptions(f"one socket follows at most {self._most} orders by name")
            missed = await self._records.updates(self._user_id, orders)
            self._told |= {order_id: seq or 0 for order_id, seq in orders.items()}
            await self._told_now(missed)

    async def take(self, update: Update | None) -> None:
        """Take what the feed gave; None: something was lost, and everything followed is looked up."""
        async with self._one_at_a_time:
            if update is None:
                await self._catch_up()
                return
            told = self._told.get(update.order_id)
            if told is None:
                if not self._is_new(update):
                    return
                told = 0
            if update.seq == told + 1:
                await self._told_now([update])
            elif update.seq > told:
                await self._told_now(await self._records.updates(self._user_id, {update.order_id: told}))

    def _is_new(self, update: Update) -> bool:
        """Whether an order that is not followed was placed since all open ones are: perhaps by way of a process whose
        first word is still on its way, but not one of whose life a late word comes after its end."""
        return self._all_open and update.stage is Stage.OPEN and update.order_id not in self._ended

    async def _catch_up(self) -> None:
        if self._all_open:
            placed = await self._records.open_updates(self._user_id)
            self._told |= {update.order_id: 0 for update in placed if update.order_id not in self._told}
        if self._told:
            await self._told_now(await self._records.updates(self._user_id, dict(self._told)))

    async def _told_now(self, updates: list[Update]) -> None:
        for update in updates:
            await self._tell(update)
            if update.stage is Stage.ENDED:
                self._told.pop(update.order_id, None)
                self._ended[update.order_id] = None
                while len(self._ended) > ENDED_REMEMBERED:
                    del self._ended[next(iter(self._ended))]
            else:
                self._told[update.order_id] = update.seq
