"""Methods about the chain itself: slots, heights, blockhashes, fees, health."""

import base64
from typing import Any

from solders.hash import Hash
from solders.message import Message, MessageV0, from_bytes_versioned
from solders.pubkey import Pubkey

from engine_app.localnet.bank import SLOTS_PER_EPOCH
from engine_app.localnet.blocks import MAX_BLOCKHASH_AGE, Block, Commitment
from engine_app.localnet.messages import fee_of
from engine_app.localnet.rpc.errors import invalid_params, node_behind, slot_skipped
from engine_app.localnet.rpc.node import API_VERSION, FEATURE_SET, Node, with_context
from engine_app.localnet.rpc.params import Params, parse_pubkey

_MAX_FEE_ACCOUNTS = 128
_UNHEALTHY_LAG = 128


def get_health(node: Node, _params: Params) -> Any:
    """ok, unless the node trails the cluster."""
    if node.view.lag >= _UNHEALTHY_LAG:
        raise node_behind(node.view.lag)
    return "ok"


def get_version(_node: Node, _params: Params) -> Any:
    """The node's version."""
    return {"solana-core": API_VERSION, "feature-set": FEATURE_SET}


def get_genesis_hash(node: Node, _params: Params) -> Any:
    """The hash that names the chain."""
    return str(node.chain.genesis_hash)


def get_identity(node: Node, _params: Params) -> Any:
    """Who makes the blocks: the faucet's key stands for the only validator."""
    return {"identity": str(node.chain.faucet.payer)}


def get_slot_leader(node: Node, params: Params) -> Any:
    """Who makes the newest block."""
    node.block(params.config(0))
    return str(node.chain.faucet.payer)


def get_slot(node: Node, params: Params) -> Any:
    """The newest slot that has reached the commitment."""
    return node.block(params.config(0)).slot


def get_block_height(node: Node, params: Params) -> Any:
    """Height of the newest block that has reached the commitment."""
    return node.block(params.config(0)).height


def get_transaction_count(node: Node, params: Params) -> Any:
    """Transactions the chain has run."""
    return node.block(params.config(0)).transaction_count


def get_epoch_info(node: Node, params: Params) -> Any:
    """Where in its epoch the chain is."""
    block = node.block(params.config(0))
    epoch, index = divmod(block.slot, SLOTS_PER_EPOCH)
    return {
        "absoluteSlot": block.slot,
        "blockHeight": block.height,
        "epoch": epoch,
        "slotIndex": index,
        "slotsInEpoch": SLOTS_PER_EPOCH,
        "transactionCount": block.transaction_count,
    }


def get_epoch_schedule(_node: Node, _params: Params) -> Any:
    """Epochs are all of one length."""
    return {
        "firstNormalEpoch": 0,
        "firstNormalSlot": 0,
        "leaderScheduleSlotOffset": SLOTS_PER_EPOCH,
        "slotsPerEpoch": SLOTS_PER_EPOCH,
        "warmup": False,
    }


def get_first_available_block(node: Node, _params: Params) -> Any:
    """The oldest slot whose block the ledger still has."""
    return node.view.first_slot()


def get_latest_blockhash(node: Node, params: Params) -> Any:
    """The blockhash to sign over, and the last block height it is good for."""
    block = node.block(params.config(0))
    return with_context(
        block.slot, {"blockhash": str(block.blockhash), "lastValidBlockHeight": block.last_valid_height}
    )


def is_blockhash_valid(node: Node, params: Params) -> Any:
    """Whether a transaction over this blockhash could still land."""
    try:
        blockhash = Hash.from_string(params.text(0))
    except ValueError:
        raise invalid_params("Invalid param: Invalid") from None
    block = node.block(params.config(1))
    return with_context(block.slot, _is_valid(node, blockhash, block))


def _is_valid(node: Node, blockhash: Hash, at: Block) -> bool:
    block = node.chain.bank.blocks.with_hash(blockhash)
    return block is not None and block.slot <= at.slot and at.height <= block.last_valid_height


def get_fee_for_message(node: Node, params: Params) -> Any:
    """Lamports a message would pay; null where its blockhash has expired."""
    try:
        message = from_bytes_versioned(base64.b64decode(params.text(0), validate=True))
    except ValueError:
        raise invalid_params("invalid transaction message") from None
    if not isinstance(message, Message | MessageV0):
        raise invalid_params("unsupported message version")
    block = node.block(params.config(1))
    valid = _is_valid(node, message.recent_blockhash, block)
    return with_context(block.slot, fee_of(message) if valid else None)


def get_recent_prioritization_fees(node: Node, params: Params) -> Any:
    """For each recent slot, micro-lamports per compute unit that would have got a transaction in.

    The least price paid in the slot, or the highest of the least prices paid for writing the given accounts.
    """
    accounts = [parse_pubkey(text) for text in params.texts(0, _MAX_FEE_ACCOUNTS)] if len(params) else []
    blocks = node.chain.bank.blocks.up_to(node.view.slot(Commitment.PROCESSED))[-MAX_BLOCKHASH_AGE:]
    return [{"slot": block.slot, "prioritizationFee": _least_fee(block, accounts)} for block in blocks]


def _least_fee(block: Block, accounts: list[Pubkey]) -> int:
    if not block.landed:
        return 0
    fee = min(landed.unit_price for landed in block.landed)
    for account in accounts:
        prices = [
            landed.unit_price
            for landed in block.landed
            if (account, True) in zip(landed.accounts.keys, landed.accounts.writable, strict=True)
        ]
        fee = max([fee, *([min(prices)] if prices else [])])
    return fee


def get_block_time(node: Node, params: Params) -> Any:
    """Unix time of a slot's block, in seconds."""
    slot = params.integer(0)
    is_settled = node.view.first_slot() <= slot <= node.view.slot(Commitment.CONFIRMED)
    block = node.view.block_at(slot) if is_settled else None
    if block is None:
        raise slot_skipped(slot)
    return block.unix_time
