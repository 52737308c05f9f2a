"""Blocks, what landed in them, and which of them each commitment has reached."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from solders.hash import Hash
from solders.signature import Signature

from engine_app.localnet.messages import Accounts
from engine_app.localnet.transaction_errors import TransactionErrorJson

MAX_BLOCKHASH_AGE = 150
"""Blocks after its own in which a blockhash may still be used."""
KEPT_SLOTS = 512
"""Slots whose blocks and account versions stay in memory: the blockhash window and any endpoint's lag."""


class Commitment(StrEnum):
    """How settled a slot must be for a reader to look at it."""

    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


COMMITMENT_DEPTH = {Commitment.PROCESSED: 0, Commitment.CONFIRMED: 1, Commitment.FINALIZED: 31}
"""Slots after which a slot reaches the commitment."""


@dataclass(frozen=True, slots=True)
class Landed:
    """One transaction in a block.

    Attributes:
        index: its place in the block, from 0.
        wire: the transaction's own bytes.
        error: null for success; a failed one has paid its fee.
        meta: `getTransaction`'s `meta`.
        unit_price: micro-lamports per compute unit it offered.
    """

    signature: Signature
    slot: int
    index: int
    unix_time: int
    wire: bytes
    accounts: Accounts
    error: TransactionErrorJson | None
    meta: dict[str, Any]
    unit_price: int

    @property
    def signers(self) -> tuple[str, ...]:
        """Who signed it; the first one paid."""
        return tuple(str(key) for key in self.accounts.keys[: self.accounts.signer_count])


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        height: blocks before it; behind the slot by the slots that were skipped.
        parent_slot: slot of the block it builds on.
        unix_time: seconds.
        transactions_before: transactions in all blocks before it.
    """

    slot: int
    height: int
    blockhash: Hash
    parent_slot: int
    parent_hash: Hash
    unix_time: int
    transactions_before: int
    landed: list[Landed] = field(default_factory=list)

    @property
    def transaction_count(self) -> int:
        """Transactions in the chain up to and with this block."""
        return self.transactions_before + len(self.landed)

    @property
    def last_valid_height(self) -> int:
        """The last block height in which a transaction over this block's hash may land."""
        return self.height + MAX_BLOCKHASH_AGE


class RecentBlocks:
    """The newest blocks of the chain, oldest first; never empty."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks: deque[Block] = deque()
        self._by_hash: dict[Hash, Block] = {}
        self._by_signature: dict[Signature, Landed] = {}
        for block in blocks:
            self.append(block)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    @property
    def oldest(self) -> Block:
        """The oldest block still in memory."""
        return self._blocks[0]

    def append(self, block: Block) -> None:
        """Add the next block and forget what is too old."""
        self._blocks.append(block)
        self._by_hash[block.blockhash] = block
        for landed in block.landed:
            self._by_signature[landed.signature] = landed
        while self._blocks[0].slot < block.slot - KEPT_SLOTS:
            self._forget(self._blocks.popleft())

    def truncate(self, slot: int) -> list[Block]:
        """Take away every block above `slot`; returns them, newest first."""
        taken: list[Block] = []
        while len(self._blocks) > 1 and self._blocks[-1].slot > slot:
            block = self._blocks.pop()
            self._forget(block)
            taken.append(block)
        return taken

    def _forget(self, block: Block) -> None:
        self._by_hash.pop(block.blockhash, None)
        for landed in block.landed:
            self._by_signature.pop(landed.signature, None)

    def at_or_before(self, slot: int) -> Block:
        """The newest block at or below `slot`, or the oldest one in memory."""
        for block in reversed(self._blocks):
            if block.slot <= slot:
                return block
        return self._blocks[0]

    def at(self, slot: int) -> Block | None:
        """The block of exactly this slot."""
        block = self.at_or_before(slot)
        return block if block.slot == slot else None

    def up_to(self, slot: int) -> list[Block]:
        """Blocks at or below `slot`, oldest first."""
        return [block for block in self._blocks if block.slot <= slot]

    def between(self, after: int, up_to: int) -> list[Block]:
        """Blocks above slot `after` and at or below slot `up_to`, oldest first."""
        found = []
        for block in reversed(self._blocks):
            if block.slot <= after:
                break
            if block.slot <= up_to:
                found.append(block)
        return found[::-1]

    def with_hash(self, blockhash: Hash) -> Block | None:
        """The block with this hash."""
        return self._by_hash.get(blockhash)

    def landed(self, signature: Signature) -> Landed | None:
        """The transaction, if it landed in one of these blocks."""
        return self._by_signature.get(signature)
