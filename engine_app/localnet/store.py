"""The chain on disk: one SQLite file, one committed transaction per block.

A block is on disk (WAL, synchronous=FULL) before the next one makes it `confirmed`, so whatever was told as
confirmed outlives a kill -9. Account versions are kept as far back as readers may ask for them.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.account_history import Superseded
from engine_app.localnet.blocks import Block, Landed
from engine_app.localnet.messages import Accounts

LEDGER_SLOTS = 432_000
"""Slots the ledger reaches back: two days of 400 ms slots, one epoch."""
_PRUNE_EVERY = 1_024
_FILE_NAME = "chain.sqlite3"
_SCHEMA_VERSION = "1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    slot INTEGER PRIMARY KEY, height INTEGER NOT NULL, blockhash BLOB NOT NULL, parent_slot INTEGER NOT NULL,
    parent_hash BLOB NOT NULL, unix_time INTEGER NOT NULL, transactions_before INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS accounts (
    address BLOB NOT NULL, slot INTEGER NOT NULL, account BLOB, PRIMARY KEY (address, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transactions (
    slot INTEGER NOT NULL, place INTEGER NOT NULL, signature BLOB NOT NULL, unix_time INTEGER NOT NULL,
    wire BLOB NOT NULL, keys BLOB NOT NULL, shape BLOB NOT NULL, error BLOB NOT NULL, meta BLOB NOT NULL,
    unit_price INTEGER NOT NULL, PRIMARY KEY (slot, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transactions_signature ON transactions (signature);
CREATE TABLE IF NOT EXISTS mentions (
    address BLOB NOT NULL, slot INTEGER NOT NULL, place INTEGER NOT NULL, signer INTEGER NOT NULL,
    PRIMARY KEY (address, slot, place)
) WITHOUT ROWID;
"""
_LANDED_COLUMNS = "slot, place, signature, unix_time, wire, keys, shape, error, meta, unit_price"


@dataclass(slots=True)
class BlockChanges:
    """What one block does to the stored chain.

    Attributes:
        block: the new block with what landed in it.
        accounts: state of every account it changed; None where the account ceased to exist.
        superseded: account versions that can be forgotten.
        rolled_back_to: set where the block begins a fork: everything above that slot is taken back first.
    """

    block: Block
    accounts: dict[Pubkey, Account | None]
    superseded: list[Superseded] = field(default_factory=list)
    rolled_back_to: int | None = None


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """One version of one account."""

    address: Pubkey
    slot: int
    account: Account | None


class Store:
    """Blocks, accounts and transactions of one chain. One thread may write while another reads.

    Args:
        data_dir: folder of the chain's file, made when missing; None keeps everything in memory.
    """

    def __init__(self, data_dir: Path | None) -> None:
        if data_dir is None:
            path = ":memory:"
        else:
            data_dir.mkdir(parents=True, exist_ok=True)
            file = data_dir / _FILE_NAME
            file.touch(mode=0o600)
            path = str(file)
        self._lock = threading.Lock()
        self._writer = self._connect(path)
        self._writer.executescript(_SCHEMA)
        self._reader = self._writer if data_dir is None else self._connect(path)
        self._meta = dict(self._writer.execute("SELECT name, value FROM meta").fetchall())
        version = self._meta.get("schema")
        if version is not None and version != _SCHEMA_VERSION.encode():
            raise ValueError(f"{path} was written by another version of the local chain: start on an empty folder")

    @staticmethod
    def _connect(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    @property
    def is_fresh(self) -> bool:
        """Whether no chain was stored here yet."""
        return "genesis" not in self._meta

    def found(self, genesis: Block, accounts: dict[Pubkey, Account], names: dict[str, bytes]) -> None:
        """Store a chain's first block, the accounts it is born with, and named values such as keys."""
        values = {**names, "genesis": secrets.token_bytes(32), "schema": _SCHEMA_VERSION.encode()}
        with self._transaction():
            self._writer.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            self._write(BlockChanges(genesis, dict(accounts)))
        self._meta.update(values)

    @property
    def genesis_hash(self) -> Hash:
        """The hash that names this chain."""
        return Hash(self._meta["genesis"])

    def named(self, name: str) -> bytes:
        """A value stored when the chain was founded."""
        return bytes(self._meta[name])

    def append(self, changes: BlockChanges) -> None:
        """Make one block durable; returns once it is."""
        with self._transaction():
            self._write(changes)

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._writer, self._lock)

    def _write(self, changes: BlockChanges) -> None:
        write = self._writer
        if changes.rolled_back_to is not None:
            for table in ("blocks", "accounts", "transactions", "mentions"):
                write.execute(f"DELETE FROM {table} WHERE slot > ?", (changes.rolled_back_to,))  # noqa: S608
        block = changes.block
        write.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                block.slot,
                block.height,
                bytes(block.blockhash),
                block.parent_slot,
                bytes(block.parent_hash),
                block.unix_time,
                block.transactions_before,
            ),
        )
        write.executemany(
            "INSERT INTO accounts VALUES (?, ?, ?)",
            (
                (bytes(address), block.slot, None if account is None else bytes(account))
                for address, account in changes.accounts.items()
            ),
        )
        write.executemany(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_landed_row, block.landed)
        )
        write.executemany("INSERT INTO mentions VALUES (?, ?, ?, ?)", _mention_rows(block.landed))
        for version in changes.superseded:
            write.execute(
                "DELETE FROM accounts WHERE address = ? AND slot < ?",
                (bytes(version.address), version.slot + version.gone),
            )
        if block.slot % _PRUNE_EVERY == 0:
            for table in ("blocks", "transactions", "mentions"):
                write.execute(f"DELETE FROM {table} WHERE slot < ?", (block.slot - LEDGER_SLOTS,))  # noqa: S608

    def accounts(self) -> Iterator[StoredAccount]:
        """Every stored account version, an account's versions together and oldest first."""
        rows = self._reader.execute("SELECT address, slot, account FROM accounts ORDER BY address, slot")
        for address, slot, account in rows:
            yield StoredAccount(Pubkey(address), slot, None if account is None else Account.from_bytes(account))

    def newest_blocks(self, count: int) -> list[Block]:
        """The newest blocks with their transactions, oldest first."""
        slots = self._reader.execute("SELECT slot FROM blocks ORDER BY slot DESC LIMIT ?", (count,)).fetchall()
        blocks = (self.block(slot) for (slot,) in reversed(slots))
        return [block for block in blocks if block is not None]

    def block(self, slot: int) -> Block | None:
        """The block of a slot with its transactions."""
        row = self._reader.execute("SELECT * FROM blocks WHERE slot = ?", (slot,)).fetchone()
        if row is None:
            return None
        _, height, blockhash, parent_slot, parent_hash, unix_time, transactions_before = row
        landed = self._reader.execute(
            f"SELECT {_LANDED_COLUMNS} FROM transactions WHERE slot = ? ORDER BY place",  # noqa: S608
            (slot,),
        ).fetchall()
        return Block(
            slot=slot,
            height=height,
            blockhash=Hash(blockhash),
            parent_slot=parent_slot,
            parent_hash=Hash(parent_hash),
            unix_time=unix_time,
            transactions_before=transactions_before,
            landed=list(map(_landed, landed)),
        )

    def block_slots(self, first: int, last: int) -> list[int]:
        """Slots from `first` to `last` that have a block, ascending."""
        rows = self._reader.execute("SELECT slot FROM blocks WHERE slot BETWEEN ? AND ? ORDER BY slot", (first, last))
        return [slot for (slot,) in rows]

    def first_slot(self) -> int:
        """The oldest slot whose block is stored."""
        (slot,) = self._reader.execute("SELECT min(slot) FROM blocks").fetchone()
        return int(slot)

    def landed(self, signature: Signature) -> Landed | None:
        """A stored transaction by its signature."""
        row = self._reader.execute(
            f"SELECT {_LANDED_COLUMNS} FROM transactions WHERE signature = ?",  # noqa: S608
            (bytes(signature),),
        ).fetchone()
        return None if row is None else _landed(row)

    def mentioning(self, address: Pubkey, *, below: tuple[int, int], limit: int, signed: bool = False) -> list[Landed]:
        """Transactions that name an account, newest first.

        Args:
            below: (slot, place); only transactions before that place in the chain.
        """
        columns = ", ".join(f"t.{column}" for column in _LANDED_COLUMNS.split(", "))
        rows = self._reader.execute(
            f"SELECT {columns} FROM mentions m JOIN transactions t USING (slot, place)"  # noqa: S608
            " WHERE m.address = ? AND (m.slot, m.place) < (?, ?)"
            " ORDER BY m.slot DESC, m.place DESC LIMIT ?",
            (bytes(address), *below, limit),
        ).fetchall()
        return list(map(_landed, rows))

    def ledger(self, signer: Pubkey | None) -> list[Landed]:
        """Every transaction that landed, or those that `signer` signed, in the order they ran."""
        columns = ", ".join(f"t.{column}" for column in _LANDED_COLUMNS.split(", "))
        signed = "" if signer is None else " JOIN mentions m USING (slot, place) WHERE m.address = ? AND m.signer"
        rows = self._reader.execute(
            f"SELECT {columns} FROM transactions t{signed} ORDER BY t.slot, t.place",  # noqa: S608
            () if signer is None else (bytes(signer),),
        )
        return list(map(_landed, rows))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._reader.close()
            self._writer.close()


class _Transaction:
    """BEGIN on entry, COMMIT on a clean exit, ROLLBACK otherwise."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock) -> None:
        self._connection = connection
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.acquire()
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._lock.release()


def _landed_row(landed: Landed) -> tuple[Any, ...]:
    accounts = landed.accounts
    shape = [list(accounts.writable), accounts.static_count, accounts.signer_count, accounts.loaded_writable_count]
    return (
        landed.slot,
        landed.index,
        bytes(landed.signature),
        landed.unix_time,
        landed.wire,
        b"".join(map(bytes, accounts.keys)),
        orjson.dumps(shape),
        orjson.dumps(landed.error),
        orjson.dumps(landed.meta),
        _signed_64(landed.unit_price),
    )


def _landed(row: tuple[Any, ...]) -> Landed:
    slot, place, signature, unix_time, wire, keys, shape, error, meta, unit_price = row
    writable, static_count, signer_count, loaded_writable_count = orjson.loads(shape)
    return Landed(
        signature=Signature.from_bytes(signature),
        slot=slot,
        index=place,
        unix_time=unix_time,
        wire=wire,
        accounts=Accounts(
            keys=tuple(Pubkey(keys[start : start + 32]) for start in range(0, len(keys), 32)),
            writable=tuple(writable),
            static_count=static_count,
            signer_count=signer_count,
            loaded_writable_count=loaded_writable_count,
        ),
        error=orjson.loads(error),
        meta=orjson.loads(meta),
        unit_price=unit_price % 2**64,
    )


def _mention_rows(transactions: Iterable[Landed]) -> Iterator[tuple[bytes, int, int, int]]:
    for landed in transactions:
        signer_count = landed.accounts.signer_count
        for index, key in enumerate(landed.accounts.keys):
            yield bytes(key), landed.slot, landed.index, int(index < signer_count)


def _signed_64(value: int) -> int:
    """SQLite's integers are signed; a compute unit price is not."""
    return value - 2**64 if value >= 2**63 else value
