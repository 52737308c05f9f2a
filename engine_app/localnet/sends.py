"""What became of every send the chain was handed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from solders.signature import Signature

from engine_app.localnet.transaction_errors import TransactionErrorJson

_KEPT = 65_536


class Fate(StrEnum):
    """What became of a transaction so far."""

    WAITING = "waiting"
    LANDED = "landed"
    REFUSED = "refused"
    DROPPED = "dropped"
    PREFLIGHT_FAILED = "preflight_failed"


@dataclass(slots=True)
class Send:
    """One transaction that was sent, once or more often.

    Attributes:
        signers: who signed it; the first one pays.
        endpoints: port of the endpoint each send came in at, 0 for the chain's own.
        slot: where it landed, or of the block that refused it.
        error: its own where it landed, the reason where it did not.
        taken_back: how often a fork undid its landing.
    """

    signature: Signature
    signers: tuple[str, ...]
    endpoints: list[int] = field(default_factory=list)
    fate: Fate = Fate.WAITING
    slot: int | None = None
    error: TransactionErrorJson | None = None
    taken_back: int = 0


class SendLog:
    """Every send, by signature, the oldest forgotten first."""

    def __init__(self) -> None:
        self._sends: dict[Signature, Send] = {}

    def __iter__(self) -> Iterator[Send]:
        return iter(self._sends.values())

    def received(self, signature: Signature, signers: tuple[str, ...], port: int) -> Send:
        """Note that an endpoint took a send in."""
        send = self._sends.setdefault(signature, Send(signature, signers))
        send.endpoints.append(port)
        if len(self._sends) > _KEPT:
            del self._sends[next(iter(self._sends))]
        return send

    def waits(self, send: Send) -> None:
        """Note that it will be run, unless it has landed already."""
        if send.fate is not Fate.LANDED:
            send.fate, send.error = Fate.WAITING, None

    def lost(self, send: Send, fate: Fate, error: TransactionErrorJson | None = None) -> None:
        """Note that this send came to nothing, unless another of the same transaction waits or has landed."""
        if send.fate is not Fate.LANDED and not (send.fate is Fate.WAITING and len(send.endpoints) > 1):
            send.fate, send.error = fate, error

    def ran(self, signature: Signature, fate: Fate, slot: int, error: TransactionErrorJson | None) -> None:
        """Note what a block made of it."""
        send = self._sends.get(signature)
        if send is not None and send.fate is not Fate.LANDED:
            send.fate, send.slot, send.error = fate, slot, error

    def undone(self, signature: Signature, *, waits: bool) -> None:
        """Note that a fork took its landing back."""
        send = self._sends.get(signature)
        if send is not None:
            send.fate = Fate.WAITING if waits else Fate.DROPPED
            send.slot = send.error = None
            send.taken_back += 1
