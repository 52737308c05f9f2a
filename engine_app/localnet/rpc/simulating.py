"""`simulateTransaction`, and what a preflight has in common with it."""

from typing import Any

from solders.transaction import VersionedTransaction

from engine_app.localnet.bank import Simulation
from engine_app.localnet.execution import Outcome
from engine_app.localnet.faults.specs import FailedSimulation, RefusedBlockhash
from engine_app.localnet.messages import signers_of
from engine_app.localnet.rpc.account_json import account_json, check_encoding
from engine_app.localnet.rpc.errors import invalid_params, signature_verification_failed
from engine_app.localnet.rpc.node import Node, with_context
from engine_app.localnet.rpc.params import Config, Params, parse_pubkey
from engine_app.localnet.rpc.transaction_json import parsed_inner_instructions
from engine_app.localnet.rpc.wire import decode_transaction
from engine_app.localnet.transaction_errors import TransactionErrorJson

UNKNOWN_BLOCKHASH = "BlockhashNotFound"


def simulate_transaction(node: Node, params: Params) -> Any:
    """Run a transaction on the newest state and keep nothing; `context.slot` says whose state that was."""
    config = params.config(1)
    transaction, _ = decode_transaction(params.text(0), config.text("encoding"))
    replace = config.flag("replaceRecentBlockhash")
    verify = config.flag("sigVerify")
    config.commitment()
    if verify and replace:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    node.require_slot(config)
    if verify:
        verify_signatures(transaction)
    if not replace and not knows_blockhash(node, transaction):
        simulation = failed(node, UNKNOWN_BLOCKHASH)
    elif failure := node.fault(FailedSimulation, signers=signers_of(transaction)):
        simulation = failed(node, failure.error)
    else:
        simulation = node.chain.bank.simulate(transaction, verify_signatures=verify, check_age=not replace)
    value = outcome_json(simulation.outcome)
    value["accounts"] = _post_accounts(node, simulation, config)
    if config.flag("innerInstructions") and simulation.accounts is not None:
        value["innerInstructions"] = parsed_inner_instructions(
            simulation.outcome.inner_instructions, simulation.accounts
        )
    if replace:
        head = node.chain.head
        value["replacementBlockhash"] = {
            "blockhash": str(head.blockhash),
            "lastValidBlockHeight": head.last_valid_height,
        }
    return with_context(simulation.slot, value)


def knows_blockhash(node: Node, transaction: VersionedTransaction) -> bool:
    """False where a fault makes this endpoint refuse the transaction's blockhash."""
    return node.fault(RefusedBlockhash, signers=signers_of(transaction)) is None


def failed(node: Node, error: TransactionErrorJson) -> Simulation:
    """The simulation of a transaction that a fault has fail."""
    return Simulation(node.chain.head.slot, Outcome(error, [], 0, 0), {}, None)


def verify_signatures(transaction: VersionedTransaction) -> None:
    """Raise RpcError where a signature does not fit."""
    if not all(transaction.verify_with_results()):
        raise signature_verification_failed()


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """A simulation's `value`, also the `data` of a failed preflight."""
    return {
        "accounts": None,
        "err": outcome.error,
        "fee": outcome.fee,
        "innerInstructions": None,
        "logs": outcome.logs,
        "replacementBlockhash": None,
        "returnData": outcome.return_data,
        "unitsConsumed": outcome.units,
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
    if simulation.outcome.error is not None:
        return [None] * len(addresses)
    bank = node.chain.bank
    states = [simulation.post_accounts.get(address) or bank.newest(address) for address in addresses]
    return [None if state is None else account_json(state, encoding, None, bank.newest) for state in states]
