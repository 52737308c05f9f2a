"""A TCP relay in front of a server whose connections can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Relay:
    """Passes bytes both ways; `async with` starts and stops it."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.connections = 0
        """Connections taken so far."""
        self.answered = 0
        """Bytes that the server has sent back so far."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        pair = {writer, upstream_writer}
        self._writers |= pair
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer, self._count))
        self._writers -= pair

    def _count(self, size: int) -> None:
        self.answered += size


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None] | None = None
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(2**16):
            if count is not None:
                count(len(data))
            writer.write(data)
            await writer.drain()
    writer.close()
