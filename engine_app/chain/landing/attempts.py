"""An attempt that may still land, and what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.signature import Signature

from engine_app.chain.answers import Commitment, SignatureStatus, at_least
from engine_app.chain.stream import SignatureWatch

SUBSCRIPTION = "subscription"
"""The source of an observation that the node told by itself."""


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """A signed attempt whose row is committed.

    Attributes:
        attempt_id, order_id: its ids.
        signature: its first signature.
        transaction: the signed wire bytes; the only ones that are ever sent for it.
        last_valid_block_height: the last block height at which it can land.
        blockhash_slot: the slot its blockhash was taken at.
    """

    attempt_id: UUID
    order_id: UUID
    signature: Signature
    transaction: bytes
    last_valid_block_height: int
    blockhash_slot: int


@dataclass(frozen=True, slots=True)
class Observation:
    """An attempt was seen on the chain. Below `finalized` it may be taken back.

    Attributes:
        attempt_id: whose.
        slot: the slot it landed in; from the subscription, which does not tell that, the slot of the notice.
        error: the transaction error as JSON, None where it succeeded.
        commitment: how firmly the chain holds it.
        source: who saw it: `subscription`, or the name of the call that did.
    """

    attempt_id: UUID
    slot: int
    error: Any
    commitment: Commitment
    source: str

    def as_json(self) -> dict[str, Any]:
        """The observation as evidence: JSON-able."""
        return {
            "commitment": self.commitment,
            "slot": self.slot,
            "error": self.error,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An attempt that had been seen is on no endpoint's chain any more; its bytes are being sent again.

    Attributes:
        attempt_id: whose.
        slot: the slot as of which every endpoint that answered knows nothing of it.
    """

    attempt_id: UUID
    slot: int


Seen = Observation | Withdrawn
"""What `Landing.observations` tells."""


class Tracked:
    """What landing keeps in mind of one attempt."""

    __slots__ = (
        "attempt",
        "first_sent",
        "forgotten",
        "look_back",
        "missing_since",
        "poll_due",
        "resend_due",
        "seen",
        "watch",
    )

    def __init__(self, attempt: LiveAttempt, *, first_sent: float, poll_due: float, look_back: bool) -> None:
        self.attempt = attempt
        self.first_sent = first_sent
        """Moment of the first send by this process, seconds of the loop's clock."""
        self.poll_due = poll_due
        """Moment of the next status poll."""
        self.resend_due: float | None = None
        """Moment of the next re-send, None where none is wanted."""
        self.look_back = look_back
        """It may have landed before the newest slots: polls search the history too."""
        self.seen: Observation | None = None
        """The strongest observation that stands."""
        self.missing_since: int | None = None
        """The slot as of which a node first knew nothing of it after it had been seen."""
        self.watch: SignatureWatch | None = None
        self.forgotten = False

    @property
    def confirmed(self) -> bool:
        """It was seen at `confirmed` or above."""
        return self.seen is not None and at_least(self.seen.commitment, "confirmed")

    @property
    def finalized(self) -> bool:
        """It was seen at `finalized`."""
        return self.seen is not None and self.seen.commitment == "finalized"

    def take(self, status: SignatureStatus, source: str) -> Observation | None:
        """The observation that a status makes, None where it says nothing new: a weaker commitment than was seen
        already comes from a node that lags."""
        before = self.seen
        if before is not None:
            if not at_least(status.commitment, before.commitment):
                return None
            if status.commitment == before.commitment and status.error == before.error:
                exact = before.source != SUBSCRIPTION
                if status.slot == before.slot or (not exact and status.slot < before.slot):
                    return None
        self.seen = Observation(self.attempt.attempt_id, status.slot, status.error, status.commitment, source)
        return self.seen
