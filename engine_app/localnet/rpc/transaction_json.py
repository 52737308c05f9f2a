"""A landed transaction as JSON, in the encodings clients ask for."""

import base64
from typing import Any

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from engine_app.localnet import base58
from engine_app.localnet.blocks import Landed
from engine_app.localnet.messages import Accounts, AnyMessage, message_of
from engine_app.localnet.rpc.errors import invalid_params, unsupported_transaction_version
from engine_app.localnet.rpc.instruction_json import instruction_json

ENCODINGS = ("json", "jsonParsed", "base64", "base58", "binary")


def landed_json(landed: Landed, encoding: str, max_version: int | None) -> dict[str, Any]:
    """`{transaction, meta}`, and `version` where the caller said which versions it can read.

    Args:
        encoding: one of `ENCODINGS`.

    Raises:
        RpcError: the caller cannot read the transaction's version.
    """
    if encoding not in ENCODINGS:
        raise invalid_params(f"Invalid params: unknown variant `{encoding}`.")
    transaction = VersionedTransaction.from_bytes(landed.wire)
    message = message_of(transaction)
    version: int | str = 0 if isinstance(message, MessageV0) else "legacy"
    if version == 0 and max_version is None:
        raise unsupported_transaction_version(0)
    meta = landed.meta
    if encoding == "jsonParsed":
        meta = {**meta, "innerInstructions": parsed_inner_instructions(meta["innerInstructions"], landed.accounts)}
        meta.pop("loadedAddresses")
    found = {"meta": meta, "transaction": _transaction_json(transaction, message, landed, encoding)}
    if max_version is not None:
        found["version"] = version
    return found


def _transaction_json(transaction: VersionedTransaction, message: AnyMessage, landed: Landed, encoding: str) -> Any:
    if encoding == "base64":
        return [base64.b64encode(landed.wire).decode(), "base64"]
    if encoding == "base58":
        return [base58.encode(landed.wire), "base58"]
    if encoding == "binary":
        return base58.encode(landed.wire)
    parsed = encoding == "jsonParsed"
    return {
        "message": _parsed_message(message, landed.accounts) if parsed else _raw_message(message),
        "signatures": [str(signature) for signature in transaction.signatures],
    }


def _raw_message(message: AnyMessage) -> dict[str, Any]:
    header = message.header
    raw: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
            "numRequiredSignatures": header.num_required_signatures,
        },
        "instructions": [
            {
                "accounts": list(instruction.accounts),
                "data": base58.encode(bytes(instruction.data)),
                "programIdIndex": instruction.program_id_index,
                "stackHeight": 1,
            }
            for instruction in message.instructions
        ],
        "recentBlockhash": str(message.recent_blockhash),
    }
    if isinstance(message, MessageV0):
        raw["addressTableLookups"] = _lookups(message)
    return raw


def _lookups(message: MessageV0) -> list[dict[str, Any]]:
    return [
        {
            "accountKey": str(lookup.account_key),
            "readonlyIndexes": list(lookup.readonly_indexes),
            "writableIndexes": list(lookup.writable_indexes),
        }
        for lookup in message.address_table_lookups
    ]


def _parsed_message(message: AnyMessage, accounts: Accounts) -> dict[str, Any]:
    parsed: dict[str, Any] = {
        "accountKeys": [
            {
                "pubkey": str(key),
                "signer": index < accounts.signer_count,
                "source": "transaction" if index < accounts.static_count else "lookupTable",
                "writable": writable,
            }
            for index, (key, writable) in enumerate(zip(accounts.keys, accounts.writable, strict=True))
        ],
        "instructions": [
            instruction_json(
                accounts.keys[instruction.program_id_index],
                [accounts.keys[index] for index in instruction.accounts],
                bytes(instruction.data),
                1,
            )
            for instruction in message.instructions
        ],
        "recentBlockhash": str(message.recent_blockhash),
    }
    if isinstance(message, MessageV0):
        parsed["addressTableLookups"] = _lookups(message)
    return parsed


def parsed_inner_instructions(compiled: list[dict[str, Any]], accounts: Accounts) -> list[dict[str, Any]]:
    """Inner instructions, parsed where their program's parser takes them."""
    return [
        {
            "index": group["index"],
            "instructions": [
                instruction_json(
                    accounts.keys[inner["programIdIndex"]],
                    [accounts.keys[index] for index in inner["accounts"]],
                    base58.decode(inner["data"]),
                    inner["stackHeight"],
                )
                for inner in group["instructions"]
            ],
        }
        for group in compiled
    ]
