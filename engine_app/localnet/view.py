"""The chain as one endpoint sees it: at the head, or some slots behind it.

Blocks in memory are the truth for their slots; the disk, which is written a moment later, only answers for older ones.
"""

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.blocks import COMMITMENT_DEPTH, Block, Commitment, Landed
from engine_app.localnet.chain import Chain
from engine_app.localnet.faults.specs import PrunedHistory


class View:
    """Slots, accounts and transactions by commitment.

    Attributes:
        lag_slots: how far behind the chain's head; faults may add to it.
        port: of the endpoint whose view this is, for faults that are about one endpoint.
    """

    def __init__(self, chain: Chain, lag_slots: int = 0) -> None:
        self.chain = chain
        self.lag_slots = lag_slots
        self.port = 0

    @property
    def lag(self) -> int:
        """Slots behind the chain's head, faults included."""
        faults = self.chain.faults
        return self.lag_slots + faults.lag(self.port) if faults else self.lag_slots

    def block(self, commitment: Commitment) -> Block:
        """The newest block that has reached the commitment."""
        blocks = self.chain.bank.blocks
        head = blocks.at_or_before(blocks.head.slot - self.lag)
        depth = COMMITMENT_DEPTH[commitment]
        return blocks.at_or_before(head.slot - depth) if depth else head

    def slot(self, commitment: Commitment) -> int:
        """The newest slot that has reached the commitment."""
        return self.block(commitment).slot

    def account(self, address: Pubkey, slot: int) -> Account | None:
        """What the account held at the end of the slot."""
        return self.chain.bank.account(address, slot)

    def landed(self, signature: Signature, *, search_history: bool) -> Landed | None:
        """The transaction, if it has landed in a block this endpoint sees.

        Args:
            search_history: whether to look on disk too, past the recent blocks.
        """
        landed = self.chain.bank.blocks.landed(signature)
        if landed is None and search_history:
            landed = self.chain.store.landed(signature)
            landed = None if landed is None or landed.slot >= self._first_in_memory else landed
        if landed is None or landed.slot > self.slot(Commitment.PROCESSED) or self.is_pruned(landed.slot):
            return None
        return landed

    def block_at(self, slot: int) -> Block | None:
        """The block of exactly this slot."""
        if slot >= self._first_in_memory:
            return self.chain.bank.blocks.at(slot)
        return self.chain.store.block(slot)

    def block_slots(self, first: int, last: int) -> list[int]:
        """Slots from `first` to `last` that have a block, ascending."""
        oldest = self._first_in_memory
        stored = self.chain.store.block_slots(first, min(last, oldest - 1))
        return stored + [block.slot for block in self.chain.bank.blocks.between(first - 1, last)]

    def mentioning(self, address: Pubkey, *, below: tuple[int, int], limit: int) -> list[Landed]:
        """Transactions that name an account, newest first.

        Args:
            below: (slot, index in the block); only transactions before that place in the chain.
        """
        recent = [
            landed
            for block in reversed(self.chain.bank.blocks.up_to(below[0]))
            for landed in reversed(block.landed)
            if (landed.slot, landed.index) < below and address in landed.accounts.keys
        ][:limit]
        older = min(below, (self._first_in_memory, -1))
        return recent + self.chain.store.mentioning(address, below=older, limit=limit - len(recent))

    @property
    def _first_in_memory(self) -> int:
        return self.chain.bank.blocks.oldest.slot

    def first_slot(self) -> int:
        """The oldest slot whose block this endpoint still has."""
        first = self.chain.store.first_slot()
        kept = self.chain.faults.kept_slots(self.port)
        oldest = first if kept is None else self.slot(Commitment.PROCESSED) - kept
        if oldest <= first or self.chain.faults.hit(PrunedHistory, port=self.port) is None:
            return first
        return oldest

    def is_pruned(self, slot: int) -> bool:
        """Whether a fault has taken the slot from this endpoint's history."""
        faults = self.chain.faults
        kept = faults.kept_slots(self.port) if faults else None
        if kept is None or slot >= self.slot(Commitment.PROCESSED) - kept:
            return False
        return faults.hit(PrunedHistory, port=self.port) is not None

    def commitment_of(self, slot: int) -> Commitment:
        """The highest commitment the slot has reached."""
        for commitment in (Commitment.FINALIZED, Commitment.CONFIRMED):
            if slot <= self.slot(commitment):
                return commitment
        return Commitment.PROCESSED
