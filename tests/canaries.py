"""Secrets that are planted into a running engine, and everything it leaves behind in which they could be found."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg
from psycopg.sql import SQL, Identifier
from redis import Redis
from solders.keypair import Keypair

from engine_app.wallets.derivation import keypair_at, seed_of

WORDS = 3
"""So many words of a phrase in a row are no accident."""

TABLES = """
SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


def of_mnemonic(phrase: str, indexes: Mapping[str, int]) -> dict[str, str]:
    """What a phrase must not be recognized by: its words in a row, its seed, and the keys at some indexes, by name."""
    words = phrase.split()
    parts = [" ".join(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)]
    seed = seed_of(phrase)
    found = {f"words {at} to {at + WORDS}": part for at, part in enumerate(parts)} | {"seed": seed.hex()}
    for name, index in indexes.items():
        found |= {f"{name}: {form}": text for form, text in _of_key(keypair_at(seed, index)).items()}
    return found


def _of_key(key: Keypair) -> dict[str, str]:
    secret = key.secret()
    return {
        "base58": str(key),
        "hex": secret.hex(),
        "array": ",".join(map(str, secret)),
        "spaced array": ", ".join(map(str, secret)),
    }


@dataclass
class Traces:
    """Texts by where they were found."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, where: str, text: str) -> None:
        """One more text."""
        self.texts[where] = self.texts.get(where, "") + text + "\n"

    def holding(self, needle: str) -> set[str]:
        """Where a text stands."""
        return {where for where, text in self.texts.items() if needle in text}

    def answered(self, response: httpx.Response) -> None:
        """An HTTP answer, whole; also an httpx event hook."""
        response.read()
        head = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())
        self.add("HTTP", f"{response.status_code} {response.request.method}\n{head}\n{response.text}")

    def files(self, directory: Path) -> None:
        """Every file below a directory, under its own name."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                self.add(f"file {path.relative_to(directory)}", path.read_bytes().decode(errors="replace"))

    def postgres(self, url: str) -> None:
        """Every row of every table, and what is being asked of the server."""
        with psycopg.connect(url) as connection:
            for schema, table in connection.execute(TABLES).fetchall():
                query = SQL("SELECT r::text FROM {} AS r").format(Identifier(schema, table))
                for (row,) in connection.execute(query):
                    self.add(f"table {table}", row)
            for (query,) in connection.execute("SELECT query FROM pg_stat_activity"):
                self.add("Postgres' activity", str(query))

    def redis(self, client: Redis) -> None:
        """Every key with its value, however it is kept."""
        for key in client.scan_iter():
            match client.type(key):
                case b"string":
                    value = client.get(key)
                case b"hash":
                    value = client.hgetall(key)
                case b"list":
                    value = client.lrange(key, 0, -1)
                case b"set":
                    value = client.smembers(key)
                case b"zset":
                    value = client.zrange(key, 0, -1, withscores=True)
                case b"none":
                    continue
                case other:
                    raise AssertionError(f"Redis holds a {other!r}, which nobody looks into")
            self.add("Redis", f"{key!r} {value!r}")

    def command_lines(self, pids: list[int]) -> None:
        """How processes and their children were called."""
        for pid in pids:
            for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                self.add("command lines", " ".join(process.cmdline()))


@contextmanager
def monitored(url: str, traces: Traces) -> Iterator[None]:
    """Everything that a Redis is told meanwhile, messages that nobody keeps among it."""
    with Redis.from_url(url) as client, client.monitor() as monitor:
        over = threading.Event()

        def listen() -> None:
            for command in monitor.listen():
                traces.add("Redis' commands", command["command"])
                if over.is_set():
                    return

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        try:
            yield
        finally:
            over.set()
            with Redis.from_url(url) as other:
                other.ping()
            listening.join()
