"""One RPC endpoint of the chain, and the table of methods it answers."""

from collections.abc import Callable
from typing import Any

from solders.signature import Signature

from engine_app.localnet.blocks import Block, Commitment
from engine_app.localnet.rpc.errors import min_context_slot_not_reached
from engine_app.localnet.rpc.params import Config, Params
from engine_app.localnet.view import View


class Node:
    """What methods work on: the chain as this endpoint sees it.

    Attributes:
        on_received: called with the signature of every transaction this endpoint takes in.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.chain = view.chain
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


def _nobody_waits(_signature: Signature) -> None:
    """Until a hub is attached, nobody can have asked."""


Method = Callable[[Node, Params], Any]
"""Answers one request; raises RpcError."""


def with_context(slot: int, value: Any) -> dict[str, Any]:
    """A result that says at which slot it was read."""
    return {"context": {"apiVersion": API_VERSION, "slot": slot}, "value": value}


API_VERSION = "3.0.0"
"""The Agave release whose answers these are modelled on."""
