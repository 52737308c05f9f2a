"""How long a change of an order takes from its publishing to the page: `python -m bench.live_updates`.

A whole engine on this machine. Updates are published as a worker publishes them; a tab is a real one in Chromium, a
session is what a tab is to the server: its event websocket with the trade page loaded, of an account of its own. The
times are those of one machine's clock: publishing, arrival in the session's socket, and the moment when the tab's
document has changed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import socketio
from playwright.async_api import Page, async_playwright
from reflex.state import State

from bench.engine_run import RunningEngine, engine
from bench.figures import percentile
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
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
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


def row(what: str, took: list[float], missing: int) -> None:
    """Print one line of the table."""
    p50, p95 = percentile(took, 50), percentile(took, 95)
    print(f"| {what:<44} | {p50:6.1f} | {p95:6.1f} | {max(took):6.1f} | {len(took):5} | {missing:6} |", flush=True)


async def settled(sent: dict[str, tuple[int, float]], sessions: dict[int, Session], page: Page, watched: int) -> None:
    """Wait until every mark has arrived, or long enough."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < deadline:
        seen = await page.evaluate("window.seen")
        if all(mark in (seen if user == watched else sessions[user].seen) for mark, (user, _) in sent.items()):
            return
        await asyncio.sleep(0.1)


async def measure(running: RunningEngine, count: int) -> None:
    """Print the table."""
    async with traders(running.origin, count) as accounts, AsyncExitStack() as opened:
        async with following(running.origin, accounts[0]) as follower:
            order_id = await accounts[0].place("SOL", "USDC", "0.1")
            await follower.confirmed(order_id)
        order = json.loads(await accounts[0].get(f"/api/orders/{order_id}"))
        with running.database() as connection:
            users = connection.execute("SELECT username, id FROM users").fetchall()
            ids = {str(name): int(str(user_id)) for name, user_id in users}
        data = Path(running.data_dir)
        valkey = Valkey(data, RunState.read(data).ports["valkey"], service_password(data, "valkey"))
        feed = Feed(valkey.url, {name: value for name, value in order.items() if name != "events"})
        opened.push_async_callback(feed.close)
        page = await opened.enter_async_context(tab(running.origin, accounts[0]))
        first = ids[accounts[0].name]
        print(f"{UPDATES} updates, one every {EVERY_SECONDS * 1000:.0f} ms; milliseconds")
        print("| from publishing                              |    p50 |    p95 |    max | count | missed |")
        print("|----------------------------------------------|-------:|-------:|-------:|------:|-------:|")
        sent = await published(feed, [first])
        await settled(sent, {}, page, first)
        await _print_tab("to the document of 1 tab, alone", page, sent, first)
        sessions = {
            ids[account.name]: await opened.enter_async_context(session(running.origin, account))
            for account in accounts[1:]
        }
        sent = await published(feed, [first, *sessions])
        await settled(sent, sessions, page, first)
        late = [
            sessions[user].seen[mark] - at
            for mark, (user, at) in sent.items()
            if user != first and mark in sessions[user].seen
        ]
        wanted = sum(user != first for user, _ in sent.values())
        row(f"to the sockets of {count - 1} sessions", late, wanted - len(late))
        sent = await published(feed, [first, *list(sessions)[:3]])
        await settled(sent, sessions, page, first)
        await _print_tab(f"to the document of 1 tab beside {count - 1} sessions", page, sent, first)


async def _print_tab(what: str, page: Page, sent: dict[str, tuple[int, float]], watched: int) -> None:
    seen: dict[str, float] = await page.evaluate("window.seen")
    took = [seen[mark] - at for mark, (user, at) in sent.items() if user == watched and mark in seen]
    wanted = sum(user == watched for user, _ in sent.values())
    row(what, took, wanted - len(took))


def main() -> None:
    """Run it with 50 sessions, or as many as the first argument says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    with engine() as running:
        asyncio.run(measure(running, count))


if __name__ == "__main__":
    main()
