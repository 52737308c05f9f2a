"""JSON-RPC errors with Solana's codes and messages (Agave `rpc-client-api/src/custom_error.rs`)."""

from typing import Any


class RpcError(Exception):
    """An error that is a method's answer."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """The response's `error` object."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


def parse_error() -> RpcError:
    """The body is no JSON."""
    return RpcError(-32700, "Parse error")


def invalid_request(message: str = "Invalid request") -> RpcError:
    """The body is no JSON-RPC request, or asks for something that cannot be."""
    return RpcError(-32600, message)


def method_not_found() -> RpcError:
    """No such method."""
    return RpcError(-32601, "Method not found")


def invalid_params(message: str) -> RpcError:
    """A parameter is missing, of the wrong kind, or out of range."""
    return RpcError(-32602, message)


def internal_error() -> RpcError:
    """The method failed for a reason of the node's own."""
    return RpcError(-32603, "Internal error")


def preflight_failed(sentence: str, data: dict[str, Any]) -> RpcError:
    """The simulation before a send failed; `data` is the simulation's result."""
    return RpcError(-32002, f"Transaction simulation failed: {sentence}", data)


def signature_verification_failed() -> RpcError:
    """A transaction's signature does not fit its message."""
    return RpcError(-32003, "Transaction signature verification failure")


def block_not_available(slot: int) -> RpcError:
    """The slot lies ahead."""
    return RpcError(-32004, f"Block not available for slot {slot}")


def block_cleaned_up(slot: int, first_slot: int) -> RpcError:
    """The slot lies before what the ledger keeps."""
    return RpcError(-32001, f"Block {slot} cleaned up, does not exist on node. First available block: {first_slot}")


def node_behind(slots: int) -> RpcError:
    """The node is not healthy: it trails the cluster."""
    return RpcError(-32005, f"Node is behind by {slots} slots", {"numSlotsBehind": slots})


def slot_skipped(slot: int) -> RpcError:
    """The slot has no block."""
    return RpcError(-32007, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")


def unsupported_transaction_version(version: int) -> RpcError:
    """The caller has not said that it can read this transaction version."""
    return RpcError(
        -32015,
        f"Transaction version ({version}) is not supported by the requesting client. Please try the request again "
        f'with the following configuration parameter: "maxSupportedTransactionVersion": {version}',
    )


def min_context_slot_not_reached(slot: int) -> RpcError:
    """The node has not reached the slot the caller asked to read at; `slot` is where it stands."""
    return RpcError(-32016, "Minimum context slot has not been reached", {"contextSlot": slot})
