"""How long a change of an order takes from its publishing to the page: `python -m bench.live_updates [SESSIONS]`.

A whole engine on this machine, with one tab, alone and then beside 50 sessions. Updates are published as a worker
publishes them; a tab is a real one in Chromium, a session is what a tab is to the server: its event websocket with the
trade page loaded, of an account of its own. The times are those of one machine's clock: publishing, arrival in the
session's socket, and the moment when the tab's document has changed. An update that a later one has overtaken before
the tab drew it is told as missed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import socketio
from playwright.async_api import Page, async_playwright
from reflex.state import State

from bench.engine_run import RunningEngine, engine
from bench.figures import summary
from bench.traders import Trader, following, traders
from engine_app.embedded.secrets import service_password
from engine_app.embedded.state import RunState
from engine_app.embedded.valkey import Valkey
from engine_app.orders.progress import channel_of
from engine_app.orders.updates import Stage, Update
from engine_app.storage.redis import connect

SESSIONS = 50
UPDATES = 200
EVERY_SECONDS = 0.05
"""Of all sessions together; each account's share is the smaller the more there are."""
SETTLED_SECONDS = 5.0
LOADING_AT_ONCE = 4
"""Sessions that load the trade page at the same time: more of them wait for the one web process."""
LONGEST_SECONDS = 300.0
"""A measurement that takes longer than that is given up."""
ALONE, BESIDE, SOCKETS = "document, alone", "document, beside sessions", "sockets of sessions"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
HYDRATE = f"{State.get_full_name()}.hydrate_and_load"

MARK = re.compile(r"(\d{6})…mark")
WATCH = """
() => {
  window.seen = {};
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    for (const [, mark] of document.body.textContent.matchAll(/(\\d{6})…mark/g)) window.seen[mark] ??= now;
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""
"""Notes when each mark first stands in the document, milliseconds since 1970."""


class NotMeasured(Exception):
    """This could not be measured here, for the reason that it gives."""


def chromium() -> str | None:
    """The path of this machine's Chromium, None where it has none."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


class Session:
    """One event websocket; notes when each mark arrived, milliseconds since 1970."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self.loaded = asyncio.Event()

    async def took(self, update: dict[str, Any]) -> None:
        """Look through what the page would be changed by."""
        now = time.time() * 1000
        text = str(update)
        for mark in MARK.findall(text):
            self.seen.setdefault(mark, now)
        if "'loaded_rx_state_': True" in text:
            self.loaded.set()


@asynccontextmanager
async def session(origin: str, trader: Trader) -> AsyncIterator[Session]:
    """What a tab of an account is to the server, once it shows the account's orders."""
    async with aiohttp.ClientSession() as http:
        client, made = socketio.AsyncClient(reconnection=False, http_session=http), Session()
        client.on("event", made.took, namespace="/_event")
        await client.connect(
            f"{origin}/?token={uuid4()}",
            headers={"Origin": origin, "Cookie": f"session={trader.token}"},
            transports=["websocket"],
            socketio_path="/_event",
            namespaces=["/_event"],
        )
        router = {"pathname": "/", "asPath": "/", "query": {}}
        await client.emit("event", {"name": HYDRATE, "payload": {}, "router_data": router}, namespace="/_event")
        async with asyncio.timeout(60):
            await made.loaded.wait()
        yield made
        await client.disconnect()


@asynccontextmanager
async def tab(origin: str, trader: Trader) -> AsyncIterator[Page]:
    """A real tab of an account that notes what it shows."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = await browser.new_context(base_url=origin)
        await context.add_cookies([{"name": "session", "value": trader.token, "url": origin}])
        page = await context.new_page()
        await page.goto("/")
        await page.get_by_test_id("progress").wait_for()
        await page.evaluate(WATCH)
        yield page
        await browser.close()


class Feed:
    """Publishes updates as a worker does, each with a mark of its own in the place of the transaction."""

    def __init__(self, redis_url: str, template: dict[str, Any]) -> None:
        self._redis = connect(redis_url)
        self._template = template
        self._orders: dict[int, UUID] = {}
        self._count = 0

    async def publish(self, user_id: int) -> tuple[str, float]:
        """Publish one; its mark, and when, milliseconds since 1970."""
        self._count += 1
        mark = f"{self._count:06d}"
        order_id = self._orders.setdefault(user_id, uuid4())
        told = self._template | {
            "orderId": str(order_id),
            "seq": self._count,
            "status": "submitted",
            "txHash": f"{mark}{'-' * 60}mark",
            "createdAt": "2100-01-01T00:00:00+00:00",
        }
        update = Update(user_id, order_id, self._count, Stage.OPEN, json.dumps(told))
        now = time.time() * 1000
        await self._redis.publish(channel_of(user_id), update.as_message())
        return mark, now

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


async def published(feed: Feed, users: list[int]) -> dict[str, tuple[int, float]]:
    """Publish to one account after the other; whose each mark is, and when it was published."""
    sent = {}
    for number in range(UPDATES):
        user = users[number % len(users)]
        mark, at = await feed.publish(user)
        sent[mark] = (user, at)
        await asyncio.sleep(EVERY_SECONDS)
    return sent


async def settled(sent: dict[str, tuple[int, float]], sessions: dict[int, Session], page: Page, watched: int) -> None:
    """Wait until every mark has arrived, or long enough."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < deadline:
        seen = await page.evaluate("window.seen")
        if all(mark in (seen if user == watched else sessions[user].seen) for mark, (user, _) in sent.items()):
            return
        await asyncio.sleep(0.1)


async def measure(running: RunningEngine, count: int) -> dict[str, Any]:
    """Milliseconds from publishing to one tab's document, alone and beside `count` sessions, and to their sockets.

    Raises:
        NotMeasured: this machine has no Chromium, or it took too long.
    """
    if chromium() is None:
        raise NotMeasured("there is no Chromium on this machine")
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _measure(running, count)
    except TimeoutError:
        raise NotMeasured(f"given up after {LONGEST_SECONDS:g} s") from None


async def _measure(running: RunningEngine, count: int) -> dict[str, Any]:
    async with traders(running.origin, count + 1) as (watcher, *others), AsyncExitStack() as opened:
        async with following(running.origin, watcher) as follower:
            order_id = await watcher.place("SOL", "USDC", "0.1")
            await follower.confirmed(order_id)
        order = json.loads(await watcher.get(f"/api/orders/{order_id}"))
        with running.database() as connection:
            users = connection.execute("SELECT username, id FROM users").fetchall()
            ids = {str(name): int(str(user_id)) for name, user_id in users}
        data = Path(running.data_dir)
        valkey = Valkey(data, RunState.read(data).ports["valkey"], service_password(data, "valkey"))
        feed = Feed(valkey.url, {name: value for name, value in order.items() if name != "events"})
        opened.push_async_callback(feed.close)
        page = await opened.enter_async_context(tab(running.origin, watcher))
        first = ids[watcher.name]
        found: dict[str, Any] = {"sessions": count}
        sent = await published(feed, [first])
        await settled(sent, {}, page, first)
        found[ALONE] = await _of_tab(page, sent, first)
        sessions = await _sessions(opened, running.origin, {ids[account.name]: account for account in others})
        sent = await published(feed, [first, *sessions])
        await settled(sent, sessions, page, first)
        theirs = {mark: (user, at) for mark, (user, at) in sent.items() if user != first}
        found[SOCKETS] = _told({mark: sessions[user].seen.get(mark) for mark, (user, _) in theirs.items()}, theirs)
        sent = await published(feed, [first, *list(sessions)[:3]])
        await settled(sent, sessions, page, first)
        found[BESIDE] = await _of_tab(page, sent, first)
        return found


async def _sessions(opened: AsyncExitStack, origin: str, accounts: Mapping[int, Trader]) -> dict[int, Session]:
    """A session of each account, by its user; a few load at a time."""
    room = asyncio.Semaphore(LOADING_AT_ONCE)

    async def load(account: Trader) -> Session:
        async with room:
            return await opened.enter_async_context(session(origin, account))

    return dict(zip(accounts, await asyncio.gather(*map(load, accounts.values())), strict=True))


async def _of_tab(page: Page, sent: Mapping[str, tuple[int, float]], watched: int) -> dict[str, float]:
    seen: dict[str, float] = await page.evaluate("window.seen")
    its = {mark: (user, at) for mark, (user, at) in sent.items() if user == watched}
    return _told({mark: seen.get(mark) for mark in its}, its)


def _told(seen: Mapping[str, float | None], sent: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    took = [at - sent[mark][1] for mark, at in seen.items() if at is not None]
    if not took:
        raise RuntimeError("no update arrived")
    return summary(took) | {"missed": len(sent) - len(took)}


def table(found: dict[str, Any]) -> Iterator[str]:
    """What was found, line by line."""
    yield "| from publishing, ms | p50 | p95 | max | updates | missed |"
    yield "|---|---|---|---|---|---|"
    count = found["sessions"]
    for what, name in (
        (ALONE, "to the document of 1 tab, alone"),
        (SOCKETS, f"to the sockets of {count} sessions"),
        (BESIDE, f"to the document of 1 tab beside {count} sessions"),
    ):
        took = found[what]
        ranks = " | ".join(f"{took[rank]:.1f}" for rank in ("p50", "p95", "max"))
        yield f"| {name} | {ranks} | {took['count']} | {took['missed']} |"


def main() -> None:
    """Run it with 50 sessions, or as many as the first argument says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    with engine() as running:
        found = asyncio.run(measure(running, count))
    print(f"{UPDATES} updates, one every {EVERY_SECONDS * 1000:.0f} ms")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
