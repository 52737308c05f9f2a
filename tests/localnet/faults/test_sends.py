"""Sends that get lost, land late, are refused, or fail: and what the chain tells of their fate."""

import pytest
from solders.keypair import Keypair

from engine_app.localnet.faults.specs import (
    DroppedSend,
    FailedSimulation,
    FailedTransaction,
    LateSend,
    RefusedBlockhash,
)
from engine_app.localnet.sends import Fate, Send
from tests.localnet.chains import PROCESSED, READABLE, ManualChain, RpcFailure, encode


def _fate(manual: ManualChain, signature: str) -> Send:
    (send,) = [send for send in manual.chain.sends if str(send.signature) == signature]
    return send


async def test_a_dropped_send_is_answered_and_forgotten_and_a_second_one_lands(manual: ManualChain) -> None:
    payer = await manual.funded()
    fault = manual.chain.faults.add(DroppedSend(limit=1, signer=str(payer.pubkey())))
    transaction = manual.pay(payer, Keypair().pubkey())
    signature = manual.send(transaction)
    await manual.tick(3)
    assert manual.status(signature) is None
    assert _fate(manual, signature).fate is Fate.DROPPED
    assert fault.hits == 1

    assert manual.send(transaction) == signature
    landed = (await manual.tick()).slot
    send = _fate(manual, signature)
    assert (send.fate, send.slot, len(send.endpoints)) == (Fate.LANDED, landed, 2)
    assert manual.chain.faults.hits == {"dropped_send": 1}


async def test_a_fault_about_one_signer_leaves_others_alone(manual: ManualChain) -> None:
    hit, spared = await manual.funded(), await manual.funded()
    manual.chain.faults.add(DroppedSend(signer=str(hit.pubkey())))
    lost = manual.send(manual.pay(hit, Keypair().pubkey()))
    kept = manual.send(manual.pay(spared, Keypair().pubkey()))
    await manual.tick()
    assert manual.status(lost) is None
    assert manual.status(kept) is not None


async def test_a_late_send_lands_so_many_blocks_later(manual: ManualChain) -> None:
    payer = await manual.funded()
    manual.chain.faults.add(LateSend(blocks=3, limit=1))
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    await manual.tick(3)
    assert manual.status(signature) is None
    assert _fate(manual, signature).fate is Fate.WAITING
    await manual.tick()
    status = manual.status(signature)
    assert status is not None
    assert status["slot"] == manual.chain.head.slot


async def test_a_late_send_lands_in_the_last_block_its_blockhash_is_good_for(manual: ManualChain) -> None:
    payer = await manual.funded()
    last_valid = manual.chain.head.last_valid_height
    manual.chain.faults.add(LateSend(limit=1))
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    await manual.tick(149)
    assert manual.status(signature) is None
    block = await manual.tick()
    assert block.height == last_valid
    assert manual.status(signature) is not None


async def test_a_second_send_without_the_fault_brings_a_late_one_forward(manual: ManualChain) -> None:
    payer = await manual.funded()
    manual.chain.faults.add(LateSend(blocks=50, limit=1))
    transaction = manual.pay(payer, Keypair().pubkey())
    signature = manual.send(transaction)
    manual.send(transaction)
    await manual.tick()
    assert manual.status(signature) is not None


async def test_a_refused_blockhash_fails_preflight_and_simulation_and_loses_unchecked_sends(
    manual: ManualChain,
) -> None:
    payer = await manual.funded()
    manual.chain.faults.add(RefusedBlockhash(limit=3))
    transaction = manual.pay(payer, Keypair().pubkey())
    with pytest.raises(RpcFailure, match="Blockhash not found") as failed:
        manual.send(transaction)
    assert failed.value.code == -32002
    assert _fate(manual, str(transaction.signatures[0])).fate is Fate.PREFLIGHT_FAILED
    simulated = manual.call("simulateTransaction", encode(transaction), {"encoding": "base64"})
    assert simulated["value"]["err"] == "BlockhashNotFound"
    signature = manual.send(transaction, skipPreflight=True)
    await manual.tick()
    assert manual.status(signature) is None
    send = _fate(manual, signature)
    assert (send.fate, send.error) == (Fate.REFUSED, "BlockhashNotFound")
    manual.send(transaction)
    await manual.tick()
    assert _fate(manual, signature).fate is Fate.LANDED


async def test_a_failed_simulation_tells_its_error_and_leaves_sends_alone(manual: ManualChain) -> None:
    payer = await manual.funded()
    error = {"InsufficientFundsForRent": {"account_index": 0}}
    fault = manual.chain.faults.add(FailedSimulation(error=error, signer=str(payer.pubkey()), limit=1))
    transaction = manual.pay(payer, Keypair().pubkey())
    options = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": True}
    assert manual.call("simulateTransaction", encode(transaction), options)["value"]["err"] == error
    assert manual.call("simulateTransaction", encode(transaction), options)["value"]["err"] is None
    assert fault.hits == 1
    signature = manual.send(transaction)
    await manual.tick()
    assert _fate(manual, signature).fate is Fate.LANDED


async def test_a_failed_transaction_pays_its_fee_and_does_nothing_else(manual: ManualChain) -> None:
    payer = await manual.funded(10**9)
    error = {"InstructionError": [2, {"Custom": 6005}]}
    manual.chain.faults.add(FailedTransaction(error=error, limit=1))
    to = Keypair().pubkey()
    signature = manual.send(manual.pay(payer, to))
    await manual.tick(2)
    found = manual.call("getTransaction", signature, READABLE)
    assert found["meta"]["err"] == error
    assert found["meta"]["fee"] == 5_000
    assert manual.call("getBalance", str(payer.pubkey()), PROCESSED)["value"] == 10**9 - 5_000
    assert manual.call("getBalance", str(to), PROCESSED)["value"] == 0
    assert _fate(manual, signature).error == error


async def test_a_fault_with_a_chance_hits_the_same_ones_every_time(manual: ManualChain) -> None:
    payer = await manual.funded()
    patterns = []
    for _ in range(2):
        fault = manual.chain.faults.add(DroppedSend(probability=0.5, seed=3))
        sent = [manual.send(manual.pay(payer, Keypair().pubkey())) for _ in range(20)]
        patterns.append([_fate(manual, signature).fate for signature in sent])
        assert 0 < fault.hits < 20
        manual.chain.faults.remove(fault.id)
        await manual.tick()
    assert patterns[0] == patterns[1]


async def test_what_a_block_refuses_is_told_with_the_reason(manual: ManualChain) -> None:
    signature = manual.send(manual.pay(Keypair(), Keypair().pubkey()), skipPreflight=True)
    await manual.tick()
    send = _fate(manual, signature)
    assert (send.fate, send.error) == (Fate.REFUSED, "AccountNotFound")
