"""What keeps a page as new as the feed of orders: one follower a tab, whichever page the tab shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from reflex.event import EventSpec

from engine_app.accounts.service import Identity
from engine_app.orders.models import OPEN_STATUSES
from engine_app.orders.updates import Stage, Update
from engine_app.services import services
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.telemetry.logging import get_logger
from engine_app.ui import browser
from engine_app.ui.links import explorer_of
from engine_app.ui.order_view import order_row
from engine_app.ui.states.session import SessionState
from engine_app.ui.tabs import HEARTBEAT_SECONDS, bursts, is_connected

CANCELLED = "CANCELLED"
SILENCE_SECONDS = 3.0
"""After so long without news a follower looks whether there can be any, and reads the database where not."""
FIRST_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

log = get_logger(__name__)

Order = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page does with orders, each with the tab's lock held.

    Attributes:
        read: shows what the database says now; called once the feed is followed, and after every gap in it.
        take: takes in the news of a burst.
        arrive: called first, once it is known who looks; what the page's address asks for is taken in here.
        after: what is to happen when orders have ended.
    """

    read: Callable[[Identity], Awaitable[None]]
    take: Callable[[Identity, Sequence[Order]], Awaitable[None]]
    arrive: Callable[[], None] = lambda: None
    after: tuple[Any, ...] = ()


async def follow(tab: SessionState, shown: Shown) -> AsyncGenerator[Any]:
    """What a background event yields that keeps its page live until the tab or session ends, or another page of the
    tab follows instead.

    Where the database does not answer, the tab says so and all is read again once it does.
    """
    async with tab:
        turn = tab._follower = tab._follower + 1
        client_token = tab.router.session.client_token
    if turn == 1:
        # The process that showed them is gone, and with it what would have taken their place.
        yield browser.forget_loading()
    pauses, arrived = _pauses(), False
    while tab._follower == turn and is_connected(client_token):
        try:
            async with tab:
                identity = await tab._identity()
                if identity is not None:
                    tab._welcome(identity)
                    if not arrived:
                        shown.arrive()
                        arrived = True
            if identity is None:
                yield browser.to_login()
                return
            async with aclosing(_followed(tab, shown, identity, turn, client_token)) as news:
                async for event in news:
                    yield event
            return
        except DATABASE_AWAY as error:
            log.warning("page.database_away", error=type(error).__name__)
        async with tab:
            if not tab.database_away:
                pauses = _pauses()
            tab.database_away = True
        await asyncio.sleep(next(pauses))


async def _followed(
    tab: SessionState, shown: Shown, identity: Identity, turn: int, client_token: str
) -> AsyncGenerator[Any]:
    """What the page is to do about the news, until another follower takes over or the tab or session ends."""
    loop = asyncio.get_running_loop()
    checked = loop.time()
    watching = services().endings.watch(identity)
    async with watching as ended_session, services().feed.follow(identity.user_id) as updates:
        for event in _telling(await _read(tab, shown, identity), shown):
            yield event
        async for burst in bursts(updates, until=ended_session, silence=SILENCE_SECONDS):
            if not is_connected(client_token):
                return
            missed: list[Order] = []
            if tab._follower == turn and (None in burst or tab.feed_away or not services().feed.connected.is_set()):
                missed = await _read(tab, shown, identity)
            elif not burst and loop.time() - checked <= HEARTBEAT_SECONDS and tab._follower == turn:
                continue
            news = [update for update in burst if update is not None]
            async with tab:
                if tab._follower != turn:
                    return
                if loop.time() - checked > HEARTBEAT_SECONDS:
                    if await tab._identity() is None:
                        yield browser.to_login()
                        return
                    checked = loop.time()
                if news:
                    await shown.take(identity, [update.order for update in news])
                ended = missed + [update.order for update in news if _ends(update, tab)]
            for event in _telling(ended, shown):
                yield event
        yield browser.to_login()


async def _read(tab: SessionState, shown: Shown, identity: Identity) -> list[Order]:
    """Show what the database says now; the orders that ended while nobody told."""
    orders = services().orders
    under_way = {update.order_id for update in await orders.open_updates(identity.user_id)}
    unheard = [await orders.get(identity.user_id, order) for order in tab._under_way - under_way]
    ended = [order for order in unheard if order.status not in OPEN_STATUSES]
    async with tab:
        await shown.read(identity)
        tab.database_away = False
        tab.feed_away = not services().feed.connected.is_set()
        tab._under_way = (tab._under_way | under_way) - {order.order_id for order in ended}
    return [order.model_dump(by_alias=True) for order in ended]


def _telling(ended: Sequence[Order], shown: Shown) -> Iterator[Any]:
    """What the page is to do about orders that have ended."""
    yield from map(told, ended)
    yield from shown.after if ended else ()


def _ends(update: Update, tab: SessionState) -> bool:
    """Whether an update tells that an order which was under way is so no more; told twice, it is news once."""
    known = update.order_id in tab._under_way
    if update.stage is Stage.OPEN:
        if not known:
            tab._under_way |= {update.order_id}
        return False
    if known:
        tab._under_way -= {update.order_id}
    return known


def told(order: Order) -> EventSpec:
    """The toast that says how an order ended; one per order, whatever is delivered twice."""
    row = order_row(order, explorer_of(order))
    name = "Swap" if row.kind == "swap" else "Withdrawal"
    if (order.get("error") or {}).get("code") == CANCELLED:
        return browser.toast("info", f"{name} cancelled", f"{row.paid} → {row.token_out}", subject=row.order_id)
    if row.status == "confirmed":
        return browser.toast("success", f"{name} confirmed", f"{row.paid} → {row.target}", subject=row.order_id)
    return browser.toast("error", f"{name} failed", f"{row.paid} → {row.token_out}", subject=row.order_id)


def _pauses() -> Iterator[float]:
    """Seconds to wait before each further try."""
    return chain(FIRST_PAUSES, repeat(FIRST_PAUSES[-1]))
