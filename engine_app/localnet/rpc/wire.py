"""Transactions as clients hand them in: base58 or base64 of their bytes."""

import base64

from solders.transaction import SanitizeError, VersionedTransaction

from engine_app.localnet import base58
from engine_app.localnet.messages import UnsupportedMessage, message_of
from engine_app.localnet.rpc.errors import invalid_params
from engine_app.localnet.transaction_errors import sentence

_MAX_WIRE_LENGTH = 1_232
_MAX_BASE58_LENGTH = 1_683
_MAX_BASE64_LENGTH = 1_644


def decode_transaction(text: str, encoding: str | None) -> tuple[VersionedTransaction, bytes]:
    """The transaction and its bytes; base58 where no encoding is given.

    Raises:
        RpcError: -32602, these are not the bytes of a legacy or version 0 transaction.
    """
    encoding = encoding or "base58"
    if encoding not in ("base58", "base64"):
        raise invalid_params(f"unsupported encoding: {encoding}. Supported encodings: base58, base64")
    most = _MAX_BASE64_LENGTH if encoding == "base64" else _MAX_BASE58_LENGTH
    if len(text) > most:
        raise invalid_params(
            f"{encoding} encoded solana_transaction::versioned::VersionedTransaction too large: {len(text)} bytes "
            f"(max: encoded/raw {most}/{_MAX_WIRE_LENGTH})"
        )
    try:
        wire = base64.b64decode(text, validate=True) if encoding == "base64" else base58.decode(text)
    except ValueError as error:
        raise invalid_params(f"invalid {encoding} encoding: {error}") from None
    try:
        transaction = VersionedTransaction.from_bytes(wire)
        transaction.sanitize()
        message_of(transaction)
    except ValueError as error:
        raise invalid_params(
            f"failed to deserialize solana_transaction::versioned::VersionedTransaction: {error}"
        ) from None
    except SanitizeError:
        raise invalid_params(f"invalid transaction: {sentence('SanitizeFailure')}") from None
    except UnsupportedMessage as error:
        raise invalid_params(str(error)) from None
    return transaction, wire
