"""Slots, commitments, blockhashes, and the order in which sends run."""

from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.localnet.blocks import KEPT_SLOTS
from engine_app.localnet.store import Store
from tests.localnet.chains import CONFIRMED, FINALIZED, PROCESSED, READABLE, ManualChain, RpcFailure


async def test_a_send_runs_at_the_slot_tick_and_not_in_the_call(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    signature = manual.send(manual.pay(payer, to))
    assert manual.status(signature) is None
    assert manual.call("getBalance", str(to), PROCESSED)["value"] == 0

    block = await manual.tick()

    status = manual.status(signature)
    assert status is not None
    assert status["slot"] == block.slot
    assert manual.call("getBalance", str(to), PROCESSED)["value"] == 2_000_000


async def test_what_lands_in_a_slot_shows_at_each_commitment_when_it_is_due(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = str(Keypair().pubkey())
    signature = manual.send(manual.pay(payer, Pubkey.from_string(to)))
    landed = (await manual.tick()).slot
    seen = []
    for _ in range(33):
        status = manual.status(signature)
        assert status is not None
        balances = [
            manual.call("getBalance", to, commitment)["value"] for commitment in (PROCESSED, CONFIRMED, FINALIZED)
        ]
        seen.append((status["confirmationStatus"], status["confirmations"], balances))
        await manual.tick()

    assert seen[0] == ("processed", 0, [2_000_000, 0, 0])
    assert seen[1] == ("confirmed", 1, [2_000_000, 2_000_000, 0])
    assert seen[30] == ("confirmed", 30, [2_000_000, 2_000_000, 0])
    assert seen[31] == ("finalized", None, [2_000_000, 2_000_000, 2_000_000])
    assert manual.call("getSlot", FINALIZED) == manual.chain.head.slot - 31
    assert manual.call("getSlot", CONFIRMED) == manual.chain.head.slot - 1
    assert landed == manual.chain.head.slot - 33


async def test_block_height_is_apart_from_the_slot_and_grows_with_it(manual: ManualChain) -> None:
    slot, height = manual.call("getSlot", PROCESSED), manual.call("getBlockHeight", PROCESSED)
    await manual.tick(3)
    assert manual.call("getSlot", PROCESSED) == slot + 3
    assert manual.call("getBlockHeight", PROCESSED) == height + 3
    assert slot - height > 150


async def test_a_blockhash_lands_for_150_blocks_and_not_for_151(manual: ManualChain) -> None:
    payer = await manual.funded()
    latest = manual.call("getLatestBlockhash", PROCESSED)["value"]
    last_valid = latest["lastValidBlockHeight"]
    assert last_valid == manual.call("getBlockHeight", PROCESSED) + 150
    in_time = manual.pay(payer, Keypair().pubkey())
    too_late = manual.pay(payer, Keypair().pubkey())
    await manual.tick(149)
    assert manual.call("isBlockhashValid", latest["blockhash"], PROCESSED)["value"] is True

    landing = manual.send(in_time)
    block = await manual.tick()
    assert block.height == last_valid
    assert manual.status(landing) is not None
    assert manual.call("isBlockhashValid", latest["blockhash"], PROCESSED)["value"] is True

    with pytest.raises(RpcFailure, match="Transaction simulation failed: Blockhash not found") as failed:
        manual.send(too_late)
    assert failed.value.code == -32002
    assert failed.value.data["err"] == "BlockhashNotFound"
    expired = manual.send(too_late, skipPreflight=True)
    await manual.tick()
    assert manual.status(expired) is None
    assert manual.call("isBlockhashValid", latest["blockhash"], PROCESSED)["value"] is False


async def test_an_unknown_blockhash_never_lands(manual: ManualChain) -> None:
    payer = await manual.funded()
    other = ManualChain()
    signature = manual.send(
        manual.pay(payer, Keypair().pubkey(), blockhash=other.latest_blockhash()), skipPreflight=True
    )
    await manual.tick(2)
    assert manual.status(signature) is None
    await other.chain.close()


async def test_a_transaction_lands_once(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    transaction = manual.pay(payer, to)
    first = manual.send(transaction)
    assert manual.send(transaction) == first
    await manual.tick()
    with pytest.raises(RpcFailure, match="This transaction has already been processed") as failed:
        manual.send(transaction)
    assert failed.value.data["err"] == "AlreadyProcessed"
    assert manual.send(transaction, skipPreflight=True) == first
    await manual.tick(2)
    assert manual.call("getBalance", str(to), PROCESSED)["value"] == 2_000_000


async def test_a_slot_runs_the_highest_priority_fee_first_then_by_arrival(manual: ManualChain) -> None:
    payer = await manual.funded()
    targets = [Keypair().pubkey() for _ in range(4)]
    prices = [0, 500, 0, 9_000]
    sent = [manual.send(manual.pay(payer, to, price=price)) for to, price in zip(targets, prices, strict=True)]
    block = await manual.tick()
    assert [str(landed.signature) for landed in block.landed] == [sent[3], sent[1], sent[0], sent[2]]


async def test_a_failed_transaction_lands_and_pays_its_fee(manual: ManualChain) -> None:
    payer = await manual.funded(5_000_000)
    signature = manual.send(manual.pay(payer, Keypair().pubkey(), 10**12), skipPreflight=True)
    await manual.tick()
    status = manual.status(signature)
    assert status is not None
    assert status["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert status["status"] == {"Err": {"InstructionError": [0, {"Custom": 1}]}}
    assert manual.call("getBalance", str(payer.pubkey()), PROCESSED)["value"] == 5_000_000 - 5_000


async def test_who_cannot_pay_the_fee_leaves_nothing_on_chain(manual: ManualChain) -> None:
    signature = manual.send(manual.pay(Keypair(), Keypair().pubkey()), skipPreflight=True)
    await manual.tick()
    assert manual.status(signature) is None


async def test_an_emptied_account_ceases_to_exist_yet_can_be_read_in_the_past(manual: ManualChain) -> None:
    payer = await manual.funded(10_000_000)
    await manual.tick(31)
    manual.send(manual.pay(payer, Keypair().pubkey(), 10_000_000 - 5_000))
    await manual.tick()
    address = str(payer.pubkey())
    assert manual.call("getAccountInfo", address, PROCESSED)["value"] is None
    assert manual.call("getAccountInfo", address, CONFIRMED)["value"]["lamports"] == 10_000_000
    await manual.tick(31)
    assert manual.call("getAccountInfo", address, FINALIZED)["value"] is None


async def test_the_clock_sysvar_carries_the_slot_and_honest_time(manual: ManualChain) -> None:
    block = await manual.tick()
    clock = "SysvarC1ock11111111111111111111111111111111"
    account = manual.chain.bank.newest(Pubkey.from_string(clock))
    assert account is not None
    assert int.from_bytes(account.data[:8], "little") == block.slot
    assert int.from_bytes(account.data[32:40], "little") == block.unix_time
    await manual.tick()
    assert manual.call("getBlockTime", block.slot) == block.unix_time


async def test_a_restart_keeps_chain_accounts_transactions_and_commitments(tmp_path: Path) -> None:
    first = ManualChain(tmp_path)
    payer = await first.funded()
    await first.tick(32)
    to = str(Keypair().pubkey())
    transaction = first.pay(payer, Pubkey.from_string(to))
    signature = first.send(transaction)
    landed = (await first.tick()).slot
    await first.tick()
    before = first.call("getTransaction", signature, READABLE)
    assert before["slot"] == landed
    genesis, blockhash = first.call("getGenesisHash"), str(first.latest_blockhash())
    height = first.call("getBlockHeight", PROCESSED)
    await first.chain.close()

    again = ManualChain(tmp_path)
    assert again.call("getGenesisHash") == genesis
    assert again.call("getBlockHeight", PROCESSED) == height
    assert again.call("isBlockhashValid", blockhash, PROCESSED)["value"] is True
    assert again.call("getTransaction", signature, READABLE) == before
    status = again.status(signature)
    assert status is not None
    assert (status["slot"], status["confirmationStatus"]) == (landed, "confirmed")
    assert again.call("getBalance", to, CONFIRMED)["value"] == 2_000_000
    assert again.call("getBalance", to, FINALIZED)["value"] == 0
    with pytest.raises(RpcFailure, match="already been processed"):
        again.send(transaction)
    second = again.send(again.pay(payer, Keypair().pubkey()))
    await again.tick(31)
    assert again.status(second) is not None
    assert again.call("getBalance", to, FINALIZED)["value"] == 2_000_000
    await again.chain.close()


async def test_fresh_folders_hold_different_chains(tmp_path: Path) -> None:
    one, two = ManualChain(tmp_path / "one"), ManualChain(tmp_path / "two")
    assert one.call("getGenesisHash") != two.call("getGenesisHash")
    await one.chain.close()
    await two.chain.close()


async def test_old_versions_are_forgotten_in_memory_and_on_disk(tmp_path: Path) -> None:
    chain = ManualChain(tmp_path)
    payer = await chain.funded()
    for _ in range(3):
        chain.send(chain.pay(payer, Keypair().pubkey()))
        await chain.tick()
    await chain.tick(KEPT_SLOTS + 2)
    await chain.chain.close()
    kept = [version for version in Store(tmp_path).accounts() if version.address == payer.pubkey()]
    assert len(kept) == 1
    assert kept[0].account is not None
    assert kept[0].account.lamports == 10**10 - 3 * 2_005_000


async def test_a_closed_account_leaves_no_row_once_nobody_can_ask_for_it(tmp_path: Path) -> None:
    chain = ManualChain(tmp_path)
    payer = await chain.funded(10_000_000)
    chain.send(chain.pay(payer, Keypair().pubkey(), 10_000_000 - 5_000))
    await chain.tick(KEPT_SLOTS + 3)
    await chain.chain.close()
    assert [version for version in Store(tmp_path).accounts() if version.address == payer.pubkey()] == []


async def test_two_equal_airdrops_over_one_blockhash_are_two_transactions(manual: ManualChain) -> None:
    to = str(Keypair().pubkey())
    first, second = (manual.call("requestAirdrop", to, 3_000_000) for _ in range(2))
    assert first != second
    await manual.tick()
    assert manual.call("getBalance", to, PROCESSED)["value"] == 6_000_000
