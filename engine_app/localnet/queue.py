"""Sends that wait for the next slot, in the order a leader would take them."""

from dataclasses import dataclass

from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.localnet.messages import budget_of, message_of


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction handed in and not yet run."""

    signature: Signature
    transaction: VersionedTransaction
    wire: bytes
    unit_price: int


class SendQueue:
    """Transactions waiting for the next slot; the same signature waits only once."""

    def __init__(self) -> None:
        self._waiting: dict[Signature, Pending] = {}

    def __contains__(self, signature: Signature) -> bool:
        return signature in self._waiting

    def add(self, transaction: VersionedTransaction, wire: bytes) -> Pending:
        """Let a transaction wait for the next slot.

        Raises:
            UnsupportedMessage: this chain does not run its message version.
        """
        price = budget_of(message_of(transaction)).unit_price
        pending = Pending(transaction.signatures[0], transaction, wire, price)
        return self._waiting.setdefault(pending.signature, pending)

    def take(self) -> list[Pending]:
        """All that wait, by compute unit price (highest first), then by arrival; the queue is empty after."""
        taken = sorted(self._waiting.values(), key=lambda pending: -pending.unit_price)
        self._waiting = {}
        return taken
