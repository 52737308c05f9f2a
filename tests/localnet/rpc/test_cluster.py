"""What a node says about the chain it runs."""

import pytest

from tests.localnet.chains import CONFIRMED, FINALIZED, PROCESSED, ManualChain, RpcFailure


async def test_the_node_introduces_itself(manual: ManualChain) -> None:
    assert manual.call("getHealth") == "ok"
    assert manual.call("getVersion")["solana-core"].count(".") == 2
    assert len(manual.call("getGenesisHash")) in (43, 44)
    assert manual.call("getSlotLeader") == manual.call("getIdentity")["identity"]


async def test_epoch_info_agrees_with_slot_and_height(manual: ManualChain) -> None:
    await manual.tick(40)
    for commitment in (PROCESSED, CONFIRMED, FINALIZED):
        info = manual.call("getEpochInfo", commitment)
        assert info["absoluteSlot"] == manual.call("getSlot", commitment)
        assert info["blockHeight"] == manual.call("getBlockHeight", commitment)
        assert info["epoch"] * info["slotsInEpoch"] + info["slotIndex"] == info["absoluteSlot"]
    assert manual.call("getEpochSchedule")["slotsPerEpoch"] == 432_000


async def test_blockhashes_differ_by_commitment(manual: ManualChain) -> None:
    await manual.tick(40)
    heights = {}
    for commitment in (PROCESSED, CONFIRMED, FINALIZED):
        latest = manual.call("getLatestBlockhash", commitment)
        heights[commitment["commitment"]] = latest["value"]["lastValidBlockHeight"]
        assert latest["context"]["slot"] == manual.call("getSlot", commitment)
    assert heights["processed"] - heights["confirmed"] == 1
    assert heights["processed"] - heights["finalized"] == 31
    assert manual.call("getLatestBlockhash") == manual.call("getLatestBlockhash", FINALIZED)


async def test_a_blockhash_is_not_known_below_its_commitment(manual: ManualChain) -> None:
    await manual.tick()
    newest = str(manual.latest_blockhash())
    assert manual.call("isBlockhashValid", newest, PROCESSED)["value"] is True
    assert manual.call("isBlockhashValid", newest, CONFIRMED)["value"] is False


async def test_the_ledger_begins_at_the_first_block(manual: ManualChain) -> None:
    first = manual.call("getFirstAvailableBlock")
    await manual.tick(2)
    assert manual.call("getFirstAvailableBlock") == first
    with pytest.raises(RpcFailure, match="was skipped") as failed:
        manual.call("getBlockTime", first - 1)
    assert failed.value.code == -32007


async def test_transactions_are_counted(manual: ManualChain) -> None:
    before = manual.call("getTransactionCount", PROCESSED)
    await manual.funded()
    assert manual.call("getTransactionCount", PROCESSED) == before + 1
