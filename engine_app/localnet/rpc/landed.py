"""Methods about landed transactions and blocks: `getSignatureStatuses`, `getTransaction`, `getBlock`, …"""

from typing import Any

from solders.signature import Signature

from engine_app.localnet.blocks import Block, Commitment
from engine_app.localnet.rpc.errors import (
    block_cleaned_up,
    block_not_available,
    invalid_params,
    min_context_slot_not_reached,
    slot_skipped,
)
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Config, Params, parse_signature
from engine_app.localnet.rpc.transaction_json import landed_json

_MAX_STATUSES = 256
_MAX_SIGNATURES = 1_000
_MAX_BLOCK_RANGE = 500_000


def get_signature_statuses(node: Node, params: Params) -> Any:
    """For up to 256 signatures what became of each, null for one this endpoint has not seen land."""
    signatures = [parse_signature(text) for text in params.texts(0, _MAX_STATUSES)]
    search_history = params.config(1).flag("searchTransactionHistory")
    head = node.view.slot(Commitment.PROCESSED)
    return with_context(head, [_status(node, signature, head, search_history) for signature in signatures])


def _status(node: Node, signature: Signature, head: int, search_history: bool) -> dict[str, Any] | None:
    landed = node.landed(signature, "getSignatureStatuses", search_history=search_history)
    if landed is None:
        return None
    commitment = node.view.commitment_of(landed.slot)
    return {
        "slot": landed.slot,
        "confirmations": None if commitment is Commitment.FINALIZED else head - landed.slot,
        "err": landed.error,
        "status": {"Ok": None} if landed.error is None else {"Err": landed.error},
        "confirmationStatus": commitment.value,
    }


def get_transaction(node: Node, params: Params) -> Any:
    """A landed transaction with what it did; null until it has reached the commitment."""
    signature = params.signature(0)
    config = _transaction_config(params)
    landed = node.landed(signature, "getTransaction", search_history=True)
    if landed is None or landed.slot > node.view.slot(_settled(config)):
        return None
    encoding = config.text("encoding") or "json"
    found = landed_json(landed, encoding, config.integer("maxSupportedTransactionVersion"))
    return {"blockTime": landed.unix_time, "slot": landed.slot, **found}


def get_block(node: Node, params: Params) -> Any:
    """A block with its transactions."""
    slot = params.integer(0)
    config = _transaction_config(params)
    block = _settled_block(node, slot, config)
    details = config.text("transactionDetails") or "full"
    found: dict[str, Any] = {
        "blockHeight": block.height,
        "blockTime": block.unix_time,
        "blockhash": str(block.blockhash),
        "parentSlot": block.parent_slot,
        "previousBlockhash": str(block.parent_hash),
        "rewards": [],
    }
    if details == "signatures":
        found["signatures"] = [str(landed.signature) for landed in block.landed]
    elif details in ("full", "accounts"):
        encoding = config.text("encoding") or "json"
        max_version = config.integer("maxSupportedTransactionVersion")
        found["transactions"] = [landed_json(landed, encoding, max_version) for landed in block.landed]
    elif details != "none":
        raise invalid_params(f"Invalid params: unknown variant `{details}`.")
    return found


def _settled_block(node: Node, slot: int, config: Config) -> Block:
    if slot > node.view.slot(_settled(config)):
        raise block_not_available(slot)
    first = node.view.first_slot()
    if slot < first:
        raise block_cleaned_up(slot, first)
    block = node.view.block_at(slot)
    if block is None:
        raise slot_skipped(slot)
    return block


def get_blocks(node: Node, params: Params) -> Any:
    """Slots between two, both included, that have a block."""
    first = params.integer(0)
    if len(params) > 1 and isinstance(params.value(1), dict):
        last, config = None, params.config(1)
    else:
        last, config = params.optional_integer(1), params.config(2)
    newest = node.view.slot(_settled(config))
    last = newest if last is None else min(last, newest)
    if last - first > _MAX_BLOCK_RANGE:
        raise invalid_params(f"Slot range too large; max {_MAX_BLOCK_RANGE}")
    return node.view.block_slots(max(first, node.view.first_slot()), last)


def get_blocks_with_limit(node: Node, params: Params) -> Any:
    """So many slots from one on that have a block."""
    first, limit = params.integer(0), params.integer(1)
    if limit > _MAX_BLOCK_RANGE:
        raise invalid_params(f"Limit too large; max {_MAX_BLOCK_RANGE}")
    newest = node.view.slot(_settled(params.config(2)))
    return node.view.block_slots(max(first, node.view.first_slot()), newest)[:limit]


def get_signatures_for_address(node: Node, params: Params) -> Any:
    """Signatures of the transactions that name an account, newest first."""
    address = params.pubkey(0)
    config = params.config(1)
    limit = config.integer("limit")
    limit = _MAX_SIGNATURES if limit is None else limit
    if not 0 < limit <= _MAX_SIGNATURES:
        raise invalid_params(f"Invalid limit; max {_MAX_SIGNATURES}")
    newest = node.view.slot(_settled(config))
    if newest < config.min_context_slot:
        raise min_context_slot_not_reached(newest)
    below = (newest + 1, -1)
    before = config.signature("before")
    if before is not None:
        landed = node.view.landed(before, search_history=True)
        if landed is None:
            return []
        below = min(below, (landed.slot, landed.index))
    until = config.signature("until")
    found = []
    for landed in node.view.mentioning(address, below=below, limit=limit):
        if landed.signature == until or node.view.is_pruned(landed.slot):
            break
        if node.hides(landed, "getSignaturesForAddress"):
            continue
        found.append(
            {
                "blockTime": landed.unix_time,
                "confirmationStatus": node.view.commitment_of(landed.slot).value,
                "err": landed.error,
                "memo": None,
                "signature": str(landed.signature),
                "slot": landed.slot,
            }
        )
    return found


def _transaction_config(params: Params) -> Config:
    """The config object; older clients give only the encoding, as a string."""
    if len(params) > 1 and isinstance(params.value(1), str):
        return Config({"encoding": params.text(1)})
    return params.config(1)


def _settled(config: Config) -> Commitment:
    commitment = config.commitment()
    if commitment is Commitment.PROCESSED:
        raise invalid_params("Method does not support commitment below `confirmed`")
    return commitment
