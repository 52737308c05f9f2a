"""Sends that wait for the next slot, in the order a leader would take them."""

from dataclasses import dataclass, replace

from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.localnet.messages import budget_of, message_of


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction handed in and not yet run.

    Attributes:
        unit_price: micro-lamports per compute unit it offers.
        not_before: the first block height it may be run at.
    """

    signature: Signature
    transaction: VersionedTransaction
    wire: bytes
    unit_price: int
    not_before: int = 0


class SendQueue:
    """Transactions waiting for the next slot; the same signature waits only once."""

    def __init__(self) -> None:
        self._waiting: dict[Signature, Pending] = {}

    def __contains__(self, signature: Signature) -> bool:
        return signature in self._waiting

    def add(self, transaction: VersionedTransaction, wire: bytes, not_before: int = 0) -> Pending:
        """Let a transaction wait for the next slot, or for the block of height `not_before`.

        A second send of the same transaction only ever brings it forward.

        Raises:
            UnsupportedMessage: this chain does not run its message version.
        """
        price = budget_of(message_of(transaction)).unit_price
        pending = Pending(transaction.signatures[0], transaction, wire, price, not_before)
        waiting = self._waiting.setdefault(pending.signature, pending)
        if not_before < waiting.not_before:
            waiting = self._waiting[pending.signature] = replace(waiting, not_before=not_before)
        return waiting

    def take(self, height: int) -> list[Pending]:
        """All that may run in the block of this height, by compute unit price (highest first), then by arrival."""
        due = [pending for pending in self._waiting.values() if pending.not_before <= height]
        for pending in due:
            del self._waiting[pending.signature]
        return sorted(due, key=lambda pending: -pending.unit_price)
