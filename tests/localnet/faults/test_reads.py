"""Endpoints that lag, hide what has landed, or have lost their history."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.localnet.faults.specs import HiddenStatus, PrunedHistory, Stale
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.view import View
from tests.localnet.chains import CONFIRMED, PROCESSED, READABLE, ManualChain, RpcFailure

OTHER_PORT = 4_711


def _other(manual: ManualChain) -> Node:
    """A second endpoint of the same chain."""
    node = Node(View(manual.chain))
    node.view.port = OTHER_PORT
    return node


async def test_a_stale_endpoint_lags_while_another_does_not(manual: ManualChain) -> None:
    await manual.tick(40)
    other = _other(manual)
    payer = await manual.funded()
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    await manual.tick()
    fault = manual.chain.faults.add(Stale(slots=10, endpoint=OTHER_PORT))
    assert manual.status(signature) is not None
    assert manual.call("getSignatureStatuses", [signature], node=other)["value"] == [None]
    assert manual.call("getSlot", PROCESSED, node=other) == manual.chain.head.slot - 10
    assert manual.call("getBlockHeight", CONFIRMED, node=other) == manual.chain.head.height - 11
    manual.chain.faults.remove(fault.id)
    assert manual.call("getSlot", PROCESSED, node=other) == manual.chain.head.slot


async def test_an_endpoint_far_behind_says_it_is_not_healthy(manual: ManualChain) -> None:
    manual.chain.faults.add(Stale(slots=200))
    with pytest.raises(RpcFailure, match="Node is behind by 200 slots") as failed:
        manual.call("getHealth")
    assert (failed.value.code, failed.value.data) == (-32005, {"numSlotsBehind": 200})


async def test_a_hidden_status_is_hidden_from_the_methods_named(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = str(Keypair().pubkey())
    signature = manual.send(manual.pay(payer, Pubkey.from_string(to)))
    await manual.tick(2)
    fault = manual.chain.faults.add(HiddenStatus(signer=str(payer.pubkey())))
    assert manual.status(signature, history=True) is None
    assert manual.call("getTransaction", signature, READABLE) is None
    assert manual.call("getSignaturesForAddress", to, CONFIRMED) == []
    assert fault.hits == 3
    assert manual.call("getBalance", to, PROCESSED)["value"] == 2_000_000
    manual.chain.faults.clear()
    manual.chain.faults.add(HiddenStatus(methods=("getTransaction",)))
    assert manual.status(signature) is not None
    assert manual.call("getTransaction", signature, READABLE) is None


async def test_pruned_history_is_gone_at_one_endpoint_only(manual: ManualChain) -> None:
    other = _other(manual)
    payer = await manual.funded()
    to = str(Keypair().pubkey())
    signature = manual.send(manual.pay(payer, Pubkey.from_string(to)))
    landed = (await manual.tick()).slot
    await manual.tick(10)
    fault = manual.chain.faults.add(PrunedHistory(kept_slots=5, endpoint=OTHER_PORT))
    oldest = manual.chain.head.slot - 5
    assert manual.call("getFirstAvailableBlock", node=other) == oldest
    statuses = manual.call("getSignatureStatuses", [signature], {"searchTransactionHistory": True}, node=other)
    assert statuses["value"] == [None]
    assert manual.call("getTransaction", signature, READABLE, node=other) is None
    assert manual.call("getSignaturesForAddress", to, CONFIRMED, node=other) == []
    assert manual.call("getBlocks", landed, landed + 10, CONFIRMED, node=other)[0] == oldest
    with pytest.raises(RpcFailure, match="cleaned up") as failed:
        manual.call("getBlock", landed, READABLE, node=other)
    assert failed.value.code == -32001
    assert fault.hits >= 3
    assert manual.status(signature, history=True) is not None
    assert manual.call("getFirstAvailableBlock") < oldest
