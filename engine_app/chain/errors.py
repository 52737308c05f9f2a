"""What can go wrong between the engine and a node."""

from __future__ import annotations

from typing import Any

from engine_app.errors import EngineError, register


class RpcUnavailable(EngineError):
    """No node gave an answer: no connection, silence, 429, 5xx, a node that says it lags or is unwell.

    Never a failure of an order: it waits and goes on.
    """

    code = register(
        "NODE_UNAVAILABLE",
        "No Solana node gives an answer at the moment.",
        "Nothing was lost: an order waits and goes on by itself when a node answers again.",
        "Wait; the order's page says what it waits for.",
    )
    status = 503


class RpcRefused(EngineError):
    """The node understood the call and refused it with a JSON-RPC error.

    Attributes:
        method: the JSON-RPC method.
        rpc_code: the node's error code, such as -32602.
        message: the node's own words.
        data: the error's data as JSON, or None.
    """

    code = register(
        "NODE_REFUSED",
        "The Solana node refused a request of the engine.",
        "An order that was accepted is safe in the database.",
        "Tell the operator; the log names the request and the node's reason.",
    )
    status = 502

    def __init__(self, method: str, rpc_code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method}: {message} ({rpc_code})")
        self.method = method
        self.rpc_code = rpc_code
        self.message = message
        self.data = data


class WrongCluster(EngineError):
    """An endpoint serves another chain than the one the engine is set to, or than the database was started with."""

    code = register(
        "WRONG_CLUSTER",
        "A Solana endpoint serves another chain than the one this engine works on.",
        "Nothing was signed or sent there.",
        "Correct SOLANA_RPC_URL or SOLANA_CLUSTER; after a reset of the local chain, run `reset`.",
    )
    status = 503


class TransactionTooLarge(EngineError):
    """A transaction does not fit into one packet (1232 bytes for legacy and version 0 messages)."""

    code = register(
        "TRANSACTION_TOO_LARGE",
        "The route needs a transaction that is larger than the network takes.",
        "Nothing was sent.",
        "Try a smaller route or another amount.",
    )
    status = 422
