"""Blocks taken back: state, statuses, subscriptions, disk."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.localnet.blocks import Commitment
from engine_app.localnet.rpc.subscriptions import SignatureSubscription
from engine_app.localnet.sends import Fate
from tests.localnet.chains import CONFIRMED, FINALIZED, PROCESSED, ManualChain


async def _fork(manual: ManualChain, slots: int, *, requeue: bool) -> list[str]:
    """Take slots back and make the first block of the fork; the signatures taken back."""
    forking = asyncio.create_task(manual.chain.interventions.reorg(slots, requeue=requeue))
    await asyncio.sleep(0)
    await manual.tick()
    return [str(signature) for signature in await forking]


async def test_a_fork_takes_landed_transactions_back_and_they_can_be_sent_again(manual: ManualChain) -> None:
    payer = await manual.funded()
    await manual.tick(5)
    to = str(Keypair().pubkey())
    transaction = manual.pay(payer, Pubkey.from_string(to))
    signature = manual.send(transaction)
    landed = (await manual.tick()).slot
    await manual.tick(2)
    assert (manual.status(signature) or {})["confirmationStatus"] == "confirmed"
    height, count = manual.chain.head.height, manual.call("getTransactionCount", PROCESSED)

    assert await _fork(manual, 3, requeue=False) == [signature]

    assert manual.status(signature, history=True) is None
    assert manual.call("getBalance", to, PROCESSED)["value"] == 0
    assert manual.call("getBalance", str(payer.pubkey()), PROCESSED)["value"] == 10**10
    assert manual.chain.head.slot == landed + 3
    assert manual.chain.head.parent_slot == landed - 1
    assert manual.chain.head.height == height - 2
    assert manual.call("getTransactionCount", PROCESSED) == count - 1
    assert manual.call("getSignaturesForAddress", to, CONFIRMED) == []
    (send,) = [send for send in manual.chain.sends if str(send.signature) == signature]
    assert (send.fate, send.taken_back) == (Fate.DROPPED, 1)

    assert manual.send(transaction) == signature
    await manual.tick(2)
    assert manual.call("getBalance", to, CONFIRMED)["value"] == 2_000_000
    assert send.fate is Fate.LANDED


async def test_what_is_requeued_lands_in_the_fork(manual: ManualChain) -> None:
    payer = await manual.funded()
    await manual.tick(3)
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    first = (await manual.tick()).slot
    assert await _fork(manual, 1, requeue=True) == [signature]
    status = manual.status(signature)
    assert status is not None
    assert status["slot"] == first + 1


async def test_a_blockhash_of_a_lost_block_is_worth_nothing(manual: ManualChain) -> None:
    payer = await manual.funded()
    await manual.tick(3)
    transaction = manual.pay(payer, Keypair().pubkey())
    blockhash = str(manual.latest_blockhash())
    await _fork(manual, 1, requeue=False)
    assert manual.call("isBlockhashValid", blockhash, PROCESSED)["value"] is False
    signature = manual.send(transaction, skipPreflight=True)
    await manual.tick()
    assert manual.status(signature) is None


async def test_a_fork_cannot_reach_what_is_final(manual: ManualChain) -> None:
    with pytest.raises(ValueError, match="1 to 30"):
        await manual.chain.interventions.reorg(31, requeue=False)
    await manual.tick(40)
    final = manual.call("getSlot", FINALIZED)
    await _fork(manual, 30, requeue=False)
    assert manual.call("getSlot", FINALIZED) >= final


async def test_a_fork_is_on_disk(tmp_path: Path) -> None:
    first = ManualChain(tmp_path)
    payer = await first.funded()
    await first.tick(3)
    lost_to, kept_to = Keypair().pubkey(), Keypair().pubkey()
    lost = first.send(first.pay(payer, lost_to))
    await first.tick(2)
    await _fork(first, 2, requeue=False)
    kept = first.send(first.pay(payer, kept_to))
    await first.tick()
    head, slot = str(first.latest_blockhash()), first.chain.head.slot
    await first.chain.close()

    again = ManualChain(tmp_path)
    assert (str(again.latest_blockhash()), again.chain.head.slot) == (head, slot)
    assert again.status(lost, history=True) is None
    assert again.status(kept) is not None
    assert again.call("getBalance", str(lost_to), PROCESSED)["value"] == 0
    assert again.call("getBalance", str(kept_to), PROCESSED)["value"] == 2_000_000
    assert [str(landed.signature) for landed in again.chain.store.ledger(payer.pubkey())] == [kept]
    await again.chain.close()


async def test_subscriptions_go_on_over_a_fork(manual: ManualChain) -> None:
    payer = await manual.funded()
    await manual.tick(3)
    told: list[Any] = []
    transaction = manual.pay(payer, Keypair().pubkey())
    manual.send(transaction)
    await manual.tick()
    await _fork(manual, 1, requeue=False)
    waiting = SignatureSubscription(transaction.signatures[0], Commitment.CONFIRMED, wants_received=False)
    manual.hub.add(waiting, lambda _id, _subscription, result: told.append(result))
    await manual.tick(2)
    assert told == []
    manual.send(transaction, skipPreflight=True)
    await manual.tick(2)
    assert [result["value"] for result in told] == [{"err": None}]
