"""One RPC endpoint of the chain, and the table of methods it answers."""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from solders.signature import Signature

from engine_app.localnet.blocks import Block, Commitment, Landed
from engine_app.localnet.faults.specs import HiddenStatus, Spec
from engine_app.localnet.rpc.errors import min_context_slot_not_reached
from engine_app.localnet.rpc.params import Config, Params
from engine_app.localnet.view import View

S = TypeVar("S", bound=Spec)


class Node:
    """What methods work on: the chain as this endpoint sees it.

    Attributes:
        calls: requests by method.
        on_received: called with the signature of every transaction this endpoint takes in.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.chain = view.chain
        self.calls: Counter[str] = Counter()
        self.on_received: Callable[[Signature], None] = _nobody_waits

    def block(self, config: Config, default: Commitment = Commitment.FINALIZED) -> Block:
        """The newest block at the config's commitment.

        Raises:
            RpcError: -32016, this endpoint has not reached the config's `minContextSlot`.
        """
        block = self.view.block(config.commitment(default))
        if block.slot < config.min_context_slot:
            raise min_context_slot_not_reached(block.slot)
        return block

    def require_slot(self, config: Config) -> None:
        """Raise RpcError where the newest state is older than the config's `minContextSlot`.

        Simulations and preflights run on the newest state, whatever the commitment.
        """
        slot = self.view.slot(Commitment.PROCESSED)
        if slot < config.min_context_slot:
            raise min_context_slot_not_reached(slot)

    def fault(self, kind: type[S], *, method: str | None = None, signers: Collection[str] = ()) -> S | None:
        """The first fault of this kind that applies here, counted as a hit; None where all is well."""
        faults = self.chain.faults
        if not faults:
            return None
        return faults.hit(kind, port=self.view.port, method=method, signers=signers)

    def landed(self, signature: Signature, method: str, *, search_history: bool) -> Landed | None:
        """A landed transaction, unless this endpoint has not seen it, no longer has it, or hides it.

        Args:
            method: the method that asks.
            search_history: whether to look on disk too, past the recent blocks.
        """
        landed = self.view.landed(signature, search_history=search_history)
        return None if landed is None or self.hides(landed, method) else landed

    def hides(self, landed: Landed, method: str) -> bool:
        """Whether a fault keeps the transaction from whoever calls the method."""
        if not self.chain.faults:
            return False
        return self.fault(HiddenStatus, method=method, signers=landed.signers) is not None


def _nobody_waits(_signature: Signature) -> None:
    """Until a hub is attached, nobody can have asked."""


Method = Callable[[Node, Params], Any]
"""Answers one request; raises RpcError."""


def with_context(slot: int, value: Any) -> dict[str, Any]:
    """A result that says at which slot it was read."""
    return {"context": {"apiVersion": API_VERSION, "slot": slot}, "value": value}


API_VERSION = "3.0.0"
"""The Agave release whose answers these are modelled on."""

FEATURE_SET = 3_640_012_085
"""That release's features, as clients are told of them."""
