"""Methods that let a transaction wait for the next slot: `sendTransaction` and `requestAirdrop`."""

from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.localnet.blocks import Commitment
from engine_app.localnet.execution import Outcome
from engine_app.localnet.faults.specs import DroppedSend, LateSend
from engine_app.localnet.messages import message_of, signers_of
from engine_app.localnet.rpc.errors import invalid_params, preflight_failed
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.rpc.params import Params, parse_pubkey
from engine_app.localnet.rpc.simulating import (
    UNKNOWN_BLOCKHASH,
    failed,
    knows_blockhash,
    outcome_json,
    verify_signatures,
)
from engine_app.localnet.rpc.wire import decode_transaction
from engine_app.localnet.sends import Fate
from engine_app.localnet.tokens import decode_mint
from engine_app.localnet.transaction_errors import sentence

_MAX_AIRDROP = 2**63


def send_transaction(node: Node, params: Params) -> Any:
    """Check a transaction on the newest state, then let it wait for the next slot; its signature."""
    config = params.config(1)
    transaction, wire = decode_transaction(params.text(0), config.text("encoding"))
    config.commitment(name="preflightCommitment")
    config.integer("maxRetries")
    skip_preflight = config.flag("skipPreflight")
    if not skip_preflight:
        node.require_slot(config)
        verify_signatures(transaction)
    sends = node.chain.sends
    send = sends.received(transaction.signatures[0], signers_of(transaction), node.view.port)
    is_known = knows_blockhash(node, transaction)
    if not skip_preflight:
        outcome = _preflight(node, transaction, is_known=is_known)
        if outcome.error is not None:
            sends.lost(send, Fate.PREFLIGHT_FAILED, outcome.error)
            raise preflight_failed(sentence(outcome.error), outcome_json(outcome))
    if not is_known:
        sends.lost(send, Fate.REFUSED, UNKNOWN_BLOCKHASH)
    elif node.fault(DroppedSend, signers=send.signers) is not None:
        sends.lost(send, Fate.DROPPED)
    else:
        sends.waits(send)
        late = node.fault(LateSend, signers=send.signers)
        node.chain.send(transaction, wire, not_before=_first_height(node, transaction, late))
        node.on_received(send.signature)
    return str(send.signature)


def _preflight(node: Node, transaction: VersionedTransaction, *, is_known: bool) -> Outcome:
    if not is_known:
        return failed(node, UNKNOWN_BLOCKHASH).outcome
    return node.chain.bank.simulate(transaction, verify_signatures=True).outcome


def _first_height(node: Node, transaction: VersionedTransaction, late: LateSend | None) -> int:
    """The first block height the transaction may be run at."""
    if late is None:
        return 0
    if late.blocks is not None:
        return node.chain.head.height + 1 + late.blocks
    block = node.chain.bank.blocks.with_hash(message_of(transaction).recent_blockhash)
    return 0 if block is None else block.last_valid_height


def request_airdrop(node: Node, params: Params) -> Any:
    """Send an address lamports, or with `mint` in the config base units of a seeded token; the signature.

    The token goes into the address's associated token account, which is made if it is missing.
    """
    to = params.pubkey(0)
    amount = params.integer(1)
    if not 0 < amount < _MAX_AIRDROP:
        raise invalid_params(f"Invalid params: invalid value: {amount}, expected a positive amount.")
    config = params.config(2)
    blockhash = node.block(config, Commitment.CONFIRMED).blockhash
    mint_text = config.text("mint")
    faucet = node.chain.faucet
    if mint_text is None:
        transaction = faucet.lamports(to, amount, blockhash)
    else:
        transaction = faucet.tokens(to, _seeded_mint(node, mint_text), amount, blockhash)
    return str(send_own(node, transaction))


def send_own(node: Node, transaction: VersionedTransaction) -> Signature:
    """Send a transaction of the chain's own keys, past every fault; its signature."""
    sends = node.chain.sends
    send = sends.received(transaction.signatures[0], signers_of(transaction), node.view.port)
    sends.waits(send)
    node.chain.send(transaction, bytes(transaction))
    node.on_received(send.signature)
    return send.signature


def _seeded_mint(node: Node, text: str) -> Pubkey:
    address = parse_pubkey(text)
    mint = decode_mint(node.chain.bank.newest(address))
    if mint is None or mint.mint_authority != node.chain.faucet.mint_authority:
        raise invalid_params(f"Invalid param: {text} is not a token this chain can mint")
    return address
