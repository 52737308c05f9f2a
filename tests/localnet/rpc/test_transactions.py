"""Sending, simulating, and what `getTransaction` tells afterwards."""

import base64
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.rpc.node import Node
from engine_app.localnet.seed.tokens import USDC
from engine_app.localnet.tokens import associated_token_address
from engine_app.localnet.view import View
from tests.localnet.chains import CONFIRMED, PROCESSED, READABLE, ManualChain, RpcFailure, encode

BASE64 = {"encoding": "base64"}


async def test_a_failed_preflight_answers_like_a_node(manual: ManualChain) -> None:
    payer = await manual.funded(5_000_000)
    with pytest.raises(RpcFailure) as failed:
        manual.send(manual.pay(payer, Keypair().pubkey(), 10**12))
    assert failed.value.code == -32002
    assert failed.value.message == (
        "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    )
    data = failed.value.data
    assert data["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert data["accounts"] is None
    assert data["unitsConsumed"] == 150
    assert any("insufficient lamports" in line for line in data["logs"])
    await manual.tick()
    assert manual.chain.head.landed == []


async def test_a_preflight_without_funds_says_so(manual: ManualChain) -> None:
    with pytest.raises(RpcFailure, match="Attempt to debit an account but found no record of a prior credit"):
        manual.send(manual.pay(Keypair(), Keypair().pubkey()))


async def test_a_wrong_signature_is_refused_before_it_runs(manual: ManualChain) -> None:
    payer = await manual.funded()
    message = manual.pay(payer, Keypair().pubkey()).message
    forged = VersionedTransaction.populate(message, [Keypair().sign_message(b"something else")])
    with pytest.raises(RpcFailure, match="signature verification failure") as failed:
        manual.send(forged)
    assert failed.value.code == -32003
    signature = manual.send(forged, skipPreflight=True)
    await manual.tick()
    assert manual.status(signature) is None


@pytest.mark.parametrize(
    ("text", "config", "message"),
    [
        ("!!", BASE64, "invalid base64 encoding"),
        ("0OIl", {}, "invalid base58 encoding"),
        ("AAAA", BASE64, "failed to deserialize"),
        ("AA==", {"encoding": "hex"}, "unsupported encoding"),
        ("A" * 1_648, BASE64, "too large"),
    ],
)
async def test_bytes_that_are_no_transaction_are_refused(
    manual: ManualChain, text: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(RpcFailure, match=message) as failed:
        manual.call("sendTransaction", text, config)
    assert failed.value.code == -32602


async def test_a_transaction_is_told_with_all_that_it_moved(manual: ManualChain) -> None:
    wallet = Keypair().pubkey()
    signature = manual.call("requestAirdrop", str(wallet), 5, {"mint": str(USDC.mint)})
    assert manual.call("getTransaction", signature, READABLE) is None
    landed = (await manual.tick()).slot
    assert manual.call("getTransaction", signature, READABLE) is None
    await manual.tick()

    found = manual.call("getTransaction", signature, READABLE)

    meta, message = found["meta"], found["transaction"]["message"]
    assert (found["slot"], found["version"]) == (landed, "legacy")
    assert found["blockTime"] == manual.call("getBlockTime", landed)
    assert found["transaction"]["signatures"][0] == signature
    keys = message["accountKeys"]
    assert len(meta["preBalances"]) == len(meta["postBalances"]) == len(keys)
    payer_moved = meta["postBalances"][0] - meta["preBalances"][0]
    assert meta["fee"] == 10_000
    assert payer_moved == -10_000 - 2_039_280
    account = keys.index(str(associated_token_address(wallet, USDC.mint)))
    assert meta["preTokenBalances"] == []
    assert meta["postTokenBalances"] == [
        {
            "accountIndex": account,
            "mint": str(USDC.mint),
            "owner": str(wallet),
            "programId": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
            "uiTokenAmount": {
                "amount": "5",
                "decimals": 6,
                "uiAmount": 0.000005,
                "uiAmountString": "0.000005",
            },
        }
    ]
    assert [group["index"] for group in meta["innerInstructions"]] == [1]
    assert all(inner["stackHeight"] == 2 for inner in meta["innerInstructions"][0]["instructions"])
    assert meta["logMessages"][0] == "Program ComputeBudget111111111111111111111111111111 invoke [1]"
    assert meta["computeUnitsConsumed"] > 0
    assert meta["err"] is None
    assert meta["loadedAddresses"] == {"readonly": [], "writable": []}


async def test_a_transaction_comes_in_the_encoding_asked_for(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    transaction = manual.pay(payer, to)
    signature = manual.send(transaction)
    await manual.tick(2)
    raw = manual.call("getTransaction", signature, {**READABLE, "encoding": "base64"})
    assert raw["transaction"] == [encode(transaction), "base64"]
    assert raw["version"] == 0
    parsed = manual.call("getTransaction", signature, {**READABLE, "encoding": "jsonParsed"})
    first_key = parsed["transaction"]["message"]["accountKeys"][0]
    assert first_key == {"pubkey": str(payer.pubkey()), "signer": True, "source": "transaction", "writable": True}
    instruction = parsed["transaction"]["message"]["instructions"][0]
    assert instruction["programId"] == "1" * 32
    assert instruction["program"] == "system"
    assert instruction["parsed"]["type"] == "transfer"
    assert instruction["parsed"]["info"]["source"] == str(payer.pubkey())
    assert instruction["parsed"]["info"]["destination"] == str(to)


async def test_a_reader_must_know_the_version_and_settle_for_confirmed(manual: ManualChain) -> None:
    payer = await manual.funded()
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    await manual.tick(2)
    with pytest.raises(RpcFailure, match=r"Transaction version \(0\) is not supported") as failed:
        manual.call("getTransaction", signature, CONFIRMED)
    assert failed.value.code == -32015
    with pytest.raises(RpcFailure, match="does not support commitment below `confirmed`"):
        manual.call("getTransaction", signature, PROCESSED)


async def test_a_simulation_runs_on_the_newest_state_and_keeps_nothing(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = str(Keypair().pubkey())
    transaction = manual.pay(payer, Pubkey.from_string(to))
    config = {
        **BASE64,
        **CONFIRMED,
        "sigVerify": True,
        "innerInstructions": True,
        "accounts": {"encoding": "base64", "addresses": [to]},
    }
    answer = manual.call("simulateTransaction", encode(transaction), config)
    assert answer["context"]["slot"] == manual.call("getSlot", PROCESSED)
    value = answer["value"]
    assert value["err"] is None
    assert value["unitsConsumed"] == 150
    assert value["accounts"][0]["lamports"] == 2_000_000
    assert value["innerInstructions"] == []
    await manual.tick()
    assert manual.call("getBalance", to, PROCESSED)["value"] == 0


async def test_an_unsigned_transaction_simulates_with_any_blockhash_replaced(manual: ManualChain) -> None:
    payer = await manual.funded()
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Keypair().pubkey(), lamports=1_000_000))
    message = Message([pay], payer.pubkey())
    unsigned = VersionedTransaction.populate(message, [Signature.default()])
    expired = manual.call("simulateTransaction", encode(unsigned), BASE64)["value"]
    assert expired["err"] == "BlockhashNotFound"
    replaced = manual.call("simulateTransaction", encode(unsigned), {**BASE64, "replaceRecentBlockhash": True})
    assert replaced["value"]["err"] is None
    assert replaced["value"]["replacementBlockhash"]["blockhash"] == str(manual.latest_blockhash())
    with pytest.raises(RpcFailure, match="may not be used with replaceRecentBlockhash"):
        manual.call(
            "simulateTransaction",
            encode(unsigned),
            {**BASE64, "replaceRecentBlockhash": True, "sigVerify": True},
        )
    with pytest.raises(RpcFailure, match="signature verification failure"):
        manual.call("simulateTransaction", encode(unsigned), {**BASE64, "sigVerify": True})


async def test_a_failed_simulation_is_a_result(manual: ManualChain) -> None:
    payer = await manual.funded(5_000_000)
    to = str(Keypair().pubkey())
    transaction = manual.pay(payer, Pubkey.from_string(to), 10**12)
    config = {**BASE64, "accounts": {"encoding": "base64", "addresses": [to]}}
    value = manual.call("simulateTransaction", encode(transaction), config)["value"]
    assert value["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert value["accounts"] == [None]
    assert value["logs"][-1].endswith("custom program error: 0x1")


async def test_the_fee_of_a_message_is_the_fee_that_is_paid(manual: ManualChain) -> None:
    payer = await manual.funded()
    transaction = manual.pay(payer, Keypair().pubkey(), price=123_457)
    message = transaction.message
    assert isinstance(message, MessageV0)
    versioned = base64.b64encode(b"\x80" + bytes(message)).decode()
    told = manual.call("getFeeForMessage", versioned, PROCESSED)["value"]
    assert told == 5_000 + 1_235
    signature = manual.send(transaction)
    await manual.tick(2)
    assert manual.call("getTransaction", signature, READABLE)["meta"]["fee"] == told
    await manual.tick(150)
    assert manual.call("getFeeForMessage", versioned, PROCESSED)["value"] is None


async def test_priority_fees_are_told_by_slot_and_account(manual: ManualChain) -> None:
    payer, rich = await manual.funded(), await manual.funded()
    to = Keypair().pubkey()
    manual.send(manual.pay(payer, Keypair().pubkey(), price=10))
    manual.send(manual.pay(rich, to, price=7_000))
    slot = (await manual.tick()).slot
    await manual.tick()

    def fees(*accounts: Pubkey) -> dict[int, int]:
        told = manual.call("getRecentPrioritizationFees", [str(account) for account in accounts])
        return {fee["slot"]: fee["prioritizationFee"] for fee in told}

    assert fees()[slot] == 10
    assert fees(to)[slot] == 7_000
    assert fees(to)[slot + 1] == 0
    assert len(fees()) <= 150


async def test_signatures_of_an_address_come_newest_first(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    sent = []
    for _ in range(3):
        sent.append(manual.send(manual.pay(payer, to)))
        await manual.tick()
    await manual.tick()

    def signatures(**config: Any) -> list[str]:
        found = manual.call("getSignaturesForAddress", str(to), {**CONFIRMED, **config})
        return [entry["signature"] for entry in found]

    assert signatures() == sent[::-1]
    assert signatures(limit=1) == [sent[2]]
    assert signatures(before=sent[1]) == [sent[0]]
    assert signatures(until=sent[0]) == [sent[2], sent[1]]
    newest = manual.call("getSignaturesForAddress", str(to), CONFIRMED)[0]
    assert newest.keys() == {"blockTime", "confirmationStatus", "err", "memo", "signature", "slot"}


async def test_a_block_holds_its_transactions(manual: ManualChain) -> None:
    payer = await manual.funded()
    signature = manual.send(manual.pay(payer, Keypair().pubkey()))
    slot = (await manual.tick()).slot
    with pytest.raises(RpcFailure, match="Block not available for slot") as failed:
        manual.call("getBlock", slot, READABLE)
    assert failed.value.code == -32004
    await manual.tick()
    block = manual.call("getBlock", slot, READABLE)
    assert block["parentSlot"] == slot - 1
    assert block["previousBlockhash"] == manual.call("getBlock", slot - 1, READABLE)["blockhash"]
    assert [entry["transaction"]["signatures"][0] for entry in block["transactions"]] == [signature]
    only = manual.call("getBlock", slot, {**CONFIRMED, "transactionDetails": "signatures"})
    assert only["signatures"] == [signature]
    assert manual.call("getBlocks", slot - 1, slot, CONFIRMED) == [slot - 1, slot]
    with pytest.raises(RpcFailure, match="First available block") as failed:
        manual.call("getBlock", 5, READABLE)
    assert failed.value.code == -32001


async def test_statuses_come_in_order_and_at_most_256(manual: ManualChain) -> None:
    payer = await manual.funded()
    landed = manual.send(manual.pay(payer, Keypair().pubkey()))
    await manual.tick()
    unknown = str(Keypair().sign_message(b"never sent"))
    value = manual.call("getSignatureStatuses", [unknown, landed])["value"]
    assert value[0] is None
    assert value[1]["confirmationStatus"] == "processed"
    with pytest.raises(RpcFailure, match="Too many inputs provided; max 256"):
        manual.call("getSignatureStatuses", [unknown] * 257)


async def test_a_lagging_endpoint_does_not_see_what_has_just_landed(manual: ManualChain) -> None:
    await manual.tick(5)
    behind = Node(View(manual.chain, lag_slots=3))
    payer = await manual.funded()
    to = str(Keypair().pubkey())
    signature = manual.send(manual.pay(payer, Pubkey.from_string(to)))
    await manual.tick()

    def told() -> tuple[Any, int]:
        status = manual.call("getSignatureStatuses", [signature], node=behind)["value"][0]
        return status, manual.call("getBalance", to, PROCESSED, node=behind)["value"]

    assert told() == (None, 0)
    assert manual.call("getSlot", PROCESSED, node=behind) == manual.chain.head.slot - 3
    await manual.tick(3)
    status, balance = told()
    assert (status["confirmationStatus"], balance) == ("processed", 2_000_000)
