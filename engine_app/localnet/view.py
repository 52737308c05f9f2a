"""The chain as one endpoint sees it: at the head, or some slots behind it."""

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.blocks import COMMITMENT_DEPTH, Block, Commitment, Landed
from engine_app.localnet.chain import Chain


class View:
    """Slots, accounts and transactions by commitment, `lag_slots` behind the chain's head."""

    def __init__(self, chain: Chain, lag_slots: int = 0) -> None:
        self.chain = chain
        self.lag_slots = lag_slots

    def block(self, commitment: Commitment) -> Block:
        """The newest block that has reached the commitment."""
        blocks = self.chain.bank.blocks
        head = blocks.at_or_before(blocks.head.slot - self.lag_slots)
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
        if landed is None or landed.slot > self.slot(Commitment.PROCESSED):
            return None
        return landed

    def commitment_of(self, slot: int) -> Commitment:
        """The highest commitment the slot has reached."""
        for commitment in (Commitment.FINALIZED, Commitment.CONFIRMED):
            if slot <= self.slot(commitment):
                return commitment
        return Commitment.PROCESSED
