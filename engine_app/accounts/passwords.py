"""Password hashes: bcrypt, computed in a small pool of threads so that the event loop never waits for one."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from engine_app.accounts.errors import InvalidPassword

MIN_BYTES = 8
MAX_BYTES = 72
"""bcrypt reads no further; a longer password is refused, never cut."""

THREADS = min(8, os.cpu_count() or 2)

Result = TypeVar("Result")


def require_usable(password: str) -> None:
    """Check a new password: 8 to 72 bytes of UTF-8, nothing else is asked of it.

    Raises:
        InvalidPassword: it is shorter, longer, or not text.
    """
    size = len(_encode(password) or b"")
    if not MIN_BYTES <= size <= MAX_BYTES:
        raise InvalidPassword(f"a password has {MIN_BYTES} to {MAX_BYTES} bytes of UTF-8")


class Lane:
    """Threads that hash for those who come this way, as many at once as there are threads.

    `slots` is held by a caller around the last check of a limit and the hashing that the check allows.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.slots = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"bcrypt-{name}")

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of the work, done in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Stop the threads once they are done."""
        self._threads.shutdown(wait=False)


class Passwords:
    """Hashes and checks passwords.

    Attributes:
        everyone: the lane of whoever comes.
        known: the lane of those whom their device makes known: never behind a crowd of strangers.
    """

    def __init__(self, cost: int) -> None:
        self.everyone = Lane("everyone", THREADS)
        self.known = Lane("known", 1)
        self._cost = cost
        self._dummy: bytes | None = None

    async def hash(self, password: str, lane: Lane | None = None) -> str:
        """The hash to store. Call `require_usable` first."""
        return await (lane or self.everyone).run(
            lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()
        )

    async def matches(self, password: str, stored_hash: str | None, lane: Lane | None = None) -> bool:
        """Whether the password belongs to the hash; None (no such account) takes as long and is False."""
        return await (lane or self.everyone).run(lambda: self._check(password, stored_hash))

    def close(self) -> None:
        """Stop the threads once they are done."""
        self.everyone.close()
        self.known.close()

    def _check(self, password: str, stored_hash: str | None) -> bool:
        if self._dummy is None:
            self._dummy = bcrypt.hashpw(secrets.token_bytes(32), bcrypt.gensalt(self._cost))
        given = _encode(password)
        possible = given is not None and len(given) <= MAX_BYTES and stored_hash is not None
        against = stored_hash.encode() if stored_hash is not None else self._dummy
        equal = bcrypt.checkpw((given or b"")[:MAX_BYTES], against)
        return equal and possible


def _encode(password: str) -> bytes | None:
    try:
        return password.encode()
    except UnicodeEncodeError:
        return None
