"""Methods that take transactions in: `sendTransaction`, `simulateTransaction`, `requestAirdrop`."""

import base64
from typing import Any

from solders.pubkey import Pubkey
from solders.transaction import SanitizeError, VersionedTransaction

from engine_app.localnet import base58
from engine_app.localnet.bank import Simulation
from engine_app.localnet.blocks import Commitment
from engine_app.localnet.messages import UnsupportedMessage, message_of
from engine_app.localnet.rpc.account_json import account_json, check_encoding
from engine_app.localnet.rpc.errors import (
    invalid_params,
    preflight_failed,
    signature_verification_failed,
)
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Config, Params, parse_pubkey
from engine_app.localnet.rpc.transaction_json import parsed_inner_instructions
from engine_app.localnet.tokens import decode_mint
from engine_app.localnet.transaction_errors import sentence

_MAX_WIRE_LENGTH = 1_232
_MAX_BASE58_LENGTH = 1_683
_MAX_BASE64_LENGTH = 1_644
_MAX_AIRDROP = 2**63


def send_transaction(node: Node, params: Params) -> Any:
    """Check a transaction on the newest state, then let it wait for the next slot; its signature."""
    config = params.config(1)
    transaction, wire = _decode(params.text(0), config.text("encoding") or "base58")
    config.commitment(name="preflightCommitment")
    config.integer("maxRetries")
    if not config.flag("skipPreflight"):
        node.block(config)
        _verify_signatures(transaction)
        simulation = node.chain.bank.simulate(transaction, verify_signatures=True)
        if simulation.error is not None:
            data = _simulation_json(simulation) | {"accounts": None, "innerInstructions": None}
            raise preflight_failed(sentence(simulation.error), data)
    signature = node.chain.send(transaction, wire).signature
    node.on_received(signature)
    return str(signature)


def simulate_transaction(node: Node, params: Params) -> Any:
    """Run a transaction on the newest state and keep nothing; `context.slot` says whose state that was."""
    config = params.config(1)
    transaction, _ = _decode(params.text(0), config.text("encoding") or "base58")
    replace = config.flag("replaceRecentBlockhash")
    verify = config.flag("sigVerify")
    if verify and replace:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    node.block(config)
    if verify:
        _verify_signatures(transaction)
    simulation = node.chain.bank.simulate(transaction, verify_signatures=verify, check_age=not replace)
    value = _simulation_json(simulation)
    value["accounts"] = _post_accounts(node, simulation, config)
    value["innerInstructions"] = None
    if config.flag("innerInstructions") and simulation.accounts is not None:
        value["innerInstructions"] = parsed_inner_instructions(simulation.inner_instructions, simulation.accounts)
    if replace:
        head = node.chain.head
        value["replacementBlockhash"] = {
            "blockhash": str(head.blockhash),
            "lastValidBlockHeight": head.last_valid_height,
        }
    return with_context(simulation.slot, value)


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
    return str(node.chain.send(transaction, bytes(transaction)).signature)


def _seeded_mint(node: Node, text: str) -> Pubkey:
    address = parse_pubkey(text)
    mint = decode_mint(node.chain.bank.newest(address))
    if mint is None or mint.mint_authority != node.chain.faucet.mint_authority:
        raise invalid_params(f"Invalid param: {text} is not a token this chain can mint")
    return address


def _decode(text: str, encoding: str) -> tuple[VersionedTransaction, bytes]:
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


def _verify_signatures(transaction: VersionedTransaction) -> None:
    if not all(transaction.verify_with_results()):
        raise signature_verification_failed()


def _simulation_json(simulation: Simulation) -> dict[str, Any]:
    return {
        "accounts": None,
        "err": simulation.error,
        "fee": simulation.fee,
        "innerInstructions": None,
        "logs": simulation.logs,
        "replacementBlockhash": None,
        "returnData": simulation.return_data,
        "unitsConsumed": simulation.units,
    }


def _post_accounts(node: Node, simulation: Simulation, config: Config) -> list[Any] | None:
    wanted = config.nested("accounts")
    if wanted is None:
        return None
    encoding = check_encoding(wanted.text("encoding"), "base64")
    if encoding in ("binary", "base58"):
        raise invalid_params("base58 encoding not supported")
    addresses = [parse_pubkey(str(text)) for text in wanted.items("addresses")]
    if simulation.accounts is not None and len(addresses) > len(simulation.accounts.keys):
        raise invalid_params(f"Too many accounts provided; max {len(simulation.accounts.keys)}")
    if simulation.error is not None:
        return [None] * len(addresses)
    bank = node.chain.bank
    states = [simulation.post_accounts.get(address) or bank.newest(address) for address in addresses]
    return [None if state is None else account_json(state, encoding, None, bank.newest) for state in states]
