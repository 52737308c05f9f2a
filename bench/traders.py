"""Accounts of the engine that trade over REST and listen over Socket.IO, as cheaply as a client can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp
import socketio

from tests.trading import FINAL, PASSWORD


class Trader:
    """One account."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, name: str, token: str) -> None:
        self._http = http
        self._origin = origin
        self.name = name
        self.token = token

    async def place(self, token_in: str, token_out: str, amount: str) -> str:
        """Place an order; its id."""
        wanted = {"tokenIn": token_in, "tokenOut": token_out, "amount": amount}
        async with self._http.post(f"{self._origin}/api/orders/execute", json=wanted, headers=self._headers) as answer:
            if answer.status != 202:
                raise RuntimeError(f"{answer.status}: {await answer.text()}")
            return str((await answer.json())["orderId"])

    async def get(self, path: str) -> bytes:
        """What the API answers."""
        async with self._http.get(f"{self._origin}{path}", headers=self._headers) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def fund(self) -> None:
        """Get test funds of every token."""
        async with self._http.post(f"{self._origin}/api/wallet/airdrop", headers=self._headers, json={}) as answer:
            answer.raise_for_status()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Follower:
    """A socket of one account: how late each update came, and the end of each order."""

    def __init__(self) -> None:
        self.lateness_ms: list[float] = []
        """From the time that the row was written with, which is before its commit, to the update's arrival."""
        self._ends: dict[str, dict[str, Any]] = {}
        self._news = asyncio.Event()

    async def told(self, update: dict[str, Any]) -> None:
        """An update came."""
        self.lateness_ms.append((time.time() - datetime.fromisoformat(update["updatedAt"]).timestamp()) * 1000)
        if update["status"] in FINAL:
            self._ends.setdefault(update["orderId"], update)
            self._news.set()

    async def confirmed(self, order_id: str) -> dict[str, Any]:
        """The first update with the order's end. Raises RuntimeError where it is no confirmation."""
        async with asyncio.timeout(60):
            while order_id not in self._ends:
                self._news.clear()
                await self._news.wait()
        if self._ends[order_id]["status"] != "confirmed":
            raise RuntimeError(f"order {order_id} failed: {self._ends[order_id]['error']}")
        return self._ends[order_id]


@asynccontextmanager
async def traders(origin: str, count: int) -> AsyncIterator[list[Trader]]:
    """New accounts with test funds."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as http:
        made = await asyncio.gather(*(_account(http, origin) for _ in range(count)))
        await asyncio.gather(*(trader.fund() for trader in made))
        yield made


@asynccontextmanager
async def following(origin: str, trader: Trader) -> AsyncIterator[Follower]:
    """A socket that is told of all of an account's orders."""
    client = socketio.AsyncClient(reconnection=False)
    follower = Follower()
    client.on("order:update", follower.told)
    try:
        await client.connect(origin, auth={"token": trader.token}, transports=["websocket"], wait_timeout=10)
        await client.call("subscribe", {}, timeout=30)
        yield follower
    finally:
        await client.disconnect()
        await client.shutdown()


async def _account(http: aiohttp.ClientSession, origin: str) -> Trader:
    name = f"bench-{uuid4().hex[:12]}"
    wanted = {"username": name, "password": PASSWORD, "mode": "create"}
    async with http.post(f"{origin}/api/auth", json=wanted) as answer:
        answer.raise_for_status()
        return Trader(http, origin, name, str((await answer.json())["token"]))
