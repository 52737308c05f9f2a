"""A node as its clients see it on a bad day: a real one behind a proxy that fails in the ways it is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Changes a JSON-RPC answer on its way back."""


class TroubledNode:
    """A reverse proxy in front of a node; `async with` starts and stops it.

    Every setting is by JSON-RPC method; `"*"` means all.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.status: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """HTTP status, headers and body to answer with instead of asking the node."""
        self.silent: set[str] = set()
        """Not answered, ever."""
        self.dropped: set[str] = set()
        """Sends taken with thanks and thrown away."""
        self.lost: set[str] = set()
        """Passed on, but the connection breaks before the answer."""
        self.changed: dict[str, Answer] = {}
        """Answers that are changed on the way back."""
        self.asked: Counter[str] = Counter()
        self.sent: list[str] = []
        """The bytes of every send, base64."""
        self.sent_at: list[float] = []
        """The moment of every send, seconds of the loop's clock."""
        self._port: int | None = None
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()
        if self._session is not None:
            await self._session.close()

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        application = web.Application()
        application.router.add_post("/", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port or 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def hang_up(self) -> None:
        """Break all connections and take no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = orjson.loads(body)
        method = call["method"]
        self.asked[method] += 1
        if method == "sendTransaction":
            self.sent.append(call["params"][0])
            self.sent_at.append(asyncio.get_running_loop().time())
        if _applies(self.silent, method):
            await asyncio.sleep(3600)
        trouble = self.status.get(method) or self.status.get("*")
        if trouble is not None:
            status, headers, content = trouble
            return web.Response(status=status, headers=headers, body=content)
        if _applies(self.dropped, method):
            return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": "1" * 64})
        answer = await self._pass_on(body)
        if _applies(self.lost, method):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        change = self.changed.get(method)
        return web.json_response(answer if change is None else change(answer))

    async def _pass_on(self, body: bytes) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("not started")
        headers = {"content-type": "application/json"}
        async with self._session.post(self.upstream, data=body, headers=headers) as response:
            answer: dict[str, Any] = orjson.loads(await response.read())
            return answer


def _applies(methods: set[str], method: str) -> bool:
    return method in methods or "*" in methods


def status_hidden(answer: dict[str, Any]) -> dict[str, Any]:
    """getSignatureStatuses that knows nothing."""
    answer["result"]["value"] = [None] * len(answer["result"]["value"])
    return answer


def result_is(value: object) -> Answer:
    """An answer whose result is always this, also where the node refused."""
    return lambda answer: {"jsonrpc": "2.0", "id": answer["id"], "result": value}
