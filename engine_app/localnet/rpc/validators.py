"""Methods about who makes the blocks and what is paid for it: here one validator, which nobody pays.

Explorers and wallets ask them of every chain, so they have answers of the usual shape.
"""

from typing import Any

from engine_app.localnet.bank import SLOTS_PER_EPOCH
from engine_app.localnet.blocks import Commitment
from engine_app.localnet.rpc.errors import invalid_params
from engine_app.localnet.rpc.node import API_VERSION, FEATURE_SET, Node, with_context
from engine_app.localnet.rpc.params import Params

_STAKE = 10**9
_MOST_LEADERS = 5_000
_MOST_SAMPLES = 720
_SAMPLE_SECONDS = 60
_MOST_REWARDED = 1_024


def get_vote_accounts(node: Node, params: Params) -> Any:
    """The only validator, current."""
    block = node.block(params.config(0))
    identity = str(node.chain.faucet.payer)
    epoch = block.slot // SLOTS_PER_EPOCH
    validator = {
        "votePubkey": str(node.chain.faucet.mint_authority),
        "nodePubkey": identity,
        "activatedStake": _STAKE,
        "commission": 0,
        "epochVoteAccount": True,
        "epochCredits": [[epoch, block.height, 0]],
        "lastVote": block.slot,
        "rootSlot": node.view.slot(Commitment.FINALIZED),
    }
    return {"current": [validator], "delinquent": []}


def get_cluster_nodes(node: Node, _params: Params) -> Any:
    """The only node."""
    return [
        {
            "pubkey": str(node.chain.faucet.payer),
            "gossip": None,
            "tpu": None,
            "tpuQuic": None,
            "rpc": f"127.0.0.1:{node.view.port}",
            "pubsub": f"127.0.0.1:{node.view.port + 1}",
            "version": API_VERSION,
            "featureSet": FEATURE_SET,
            "shredVersion": 1,
        }
    ]


def get_slot_leaders(node: Node, params: Params) -> Any:
    """Who makes the blocks of some slots in a row."""
    params.integer(0)
    count = params.integer(1)
    if not 1 <= count <= _MOST_LEADERS:
        raise invalid_params(f"Invalid limit; max {_MOST_LEADERS}")
    return [str(node.chain.faucet.payer)] * count


def get_leader_schedule(node: Node, params: Params) -> Any:
    """Who makes the blocks of an epoch: one validator all of them."""
    identity = str(node.chain.faucet.payer)
    asked = params.config(1).text("identity")
    return {} if asked not in (None, identity) else {identity: list(range(SLOTS_PER_EPOCH))}


def get_block_production(node: Node, params: Params) -> Any:
    """Slots the validator had, and blocks it made, in this epoch so far."""
    block = node.block(params.config(0))
    first = max(block.slot - block.slot % SLOTS_PER_EPOCH, node.view.first_slot())
    made = len(node.view.block_slots(first, block.slot))
    produced = {str(node.chain.faucet.payer): [block.slot - first + 1, made]}
    return with_context(block.slot, {"byIdentity": produced, "range": {"firstSlot": first, "lastSlot": block.slot}})


def get_inflation_governor(_node: Node, _params: Params) -> Any:
    """Nothing is issued."""
    return {"foundation": 0.0, "foundationTerm": 0.0, "initial": 0.0, "taper": 0.0, "terminal": 0.0}


def get_inflation_rate(node: Node, _params: Params) -> Any:
    """Nothing is issued in this epoch either."""
    epoch = node.view.slot(Commitment.FINALIZED) // SLOTS_PER_EPOCH
    return {"epoch": epoch, "foundation": 0.0, "total": 0.0, "validator": 0.0}


def get_inflation_reward(_node: Node, params: Params) -> Any:
    """Null for each address: nobody is rewarded."""
    return [None] * len(params.texts(0, _MOST_REWARDED))


def get_stake_minimum_delegation(node: Node, params: Params) -> Any:
    """Lamports, as on mainnet."""
    return with_context(node.block(params.config(0)).slot, _STAKE)


def get_recent_performance_samples(node: Node, params: Params) -> Any:
    """Slots and transactions of each of the last minutes, newest first; of a younger chain one shorter sample."""
    limit = params.optional_integer(0)
    limit = _MOST_SAMPLES if limit is None else limit
    if limit > _MOST_SAMPLES:
        raise invalid_params(f"Invalid limit; max {_MOST_SAMPLES}")
    step = max(1, round(_SAMPLE_SECONDS / node.chain.slot_seconds))
    samples: list[dict[str, int]] = []
    first = node.view.first_slot()
    newest = node.view.block(Commitment.PROCESSED)
    while len(samples) < limit and newest.slot > first:
        slots = node.view.block_slots(max(first, newest.slot - step), newest.slot - 1)
        oldest = node.view.block_at(slots[0]) if slots else None
        if oldest is None:
            break
        transactions = newest.transaction_count - oldest.transaction_count
        samples.append(
            {
                "slot": newest.slot,
                "numSlots": newest.slot - oldest.slot,
                "numTransactions": transactions,
                "numNonVoteTransactions": transactions,
                "samplePeriodSecs": max(1, newest.unix_time - oldest.unix_time),
            }
        )
        newest = oldest
    return samples
