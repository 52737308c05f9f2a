"""Workers that live until they reach one of their aims."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import orjson

from tests.chaos.kills.nursery import start_order
from tests.chaos.kills.steps import PROJECT, Point
from tests.chaos.kills.trap import Aim


@dataclass(frozen=True, slots=True)
class Death:
    """How a worker ended, always by kill -9.

    Attributes:
        pid: its process id.
        at: the point it was killed at; None for one that reached none of its aims in time.
    """

    pid: int
    at: Point | None


class Lives:
    """Starts workers in a nursery."""

    def __init__(self, orders: asyncio.StreamWriter, news: asyncio.StreamReader) -> None:
        self._orders = orders
        self._news = news
        self._numbers = count(1)
        self._told: dict[int, asyncio.Queue[dict[str, int]]] = {}

    async def hear(self) -> None:
        """Hand on what the nursery tells; raises EOFError where it ends."""
        while line := await self._news.readline():
            news = orjson.loads(line)
            self._told[news["life"]].put_nowait(news)
        raise EOFError("the nursery has ended; its log says why")

    async def live(self, aims: Sequence[Aim], *, linger_ms: int, seconds: float) -> Death:
        """One worker's life, ended after so many seconds at the latest.

        Args:
            aims: the first that is reached ends it.
            linger_ms: how long it goes on after that, milliseconds.
            seconds: its longest life.
        """
        number = next(self._numbers)
        told = self._told[number] = asyncio.Queue()
        self._orders.write(start_order(number, list(aims), linger_ms))
        pid = (await told.get())["pid"]
        reached: Point | None = None
        try:
            async with asyncio.timeout(seconds):
                while "ended" not in (news := await told.get()):
                    reached = aims[news["reached"]].point
        except TimeoutError:
            self._orders.write(orjson.dumps({"kill": number}) + b"\n")
            while "ended" not in (news := await told.get()):
                reached = aims[news["reached"]].point
        del self._told[number]
        return Death(pid, reached)


@asynccontextmanager
async def nursery(environment: Mapping[str, str], log: Path) -> AsyncIterator[Lives]:
    """A nursery whose workers have this environment and write to this log; at its end none is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.kills.nursery", str(log)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Nobody here speaks TLS; reading all the machine's certificates is most of what a worker's start takes.
        env={**environment, "SSL_CERT_DIR": str(log.parent / "no certificates")},
        cwd=PROJECT,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the nursery has no pipes")
    lives = Lives(process.stdin, process.stdout)
    hearing = asyncio.create_task(lives.hear())
    try:
        yield lives
    finally:
        hearing.cancel()
        process.stdin.close()
        await process.wait()
