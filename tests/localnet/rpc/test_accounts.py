"""Reading accounts: encodings, slices, filters, `minContextSlot`, and the errors of bad parameters."""

import base64
from typing import Any

import pytest
from solders.keypair import Keypair

from engine_app.localnet import base58
from engine_app.localnet.programs_dir import METEORA_DAMM_V2, RAYDIUM_CPMM
from engine_app.localnet.seed.tokens import USDC
from engine_app.localnet.tokens import TOKEN_PROGRAM, associated_token_address
from tests.localnet.chains import CONFIRMED, PROCESSED, ManualChain, RpcFailure

BASE64 = {"encoding": "base64"}
USDC_MINT = str(USDC.mint)


async def test_an_account_is_read_in_every_encoding(manual: ManualChain) -> None:
    def data(encoding: str) -> Any:
        return manual.call("getAccountInfo", USDC_MINT, {"encoding": encoding})["value"]["data"]

    text, name = data("base64")
    raw = base64.b64decode(text)
    assert name == "base64"
    assert len(raw) == 82
    assert data("base58") == [base58.encode(raw), "base58"]
    assert data("binary") == base58.encode(raw)
    assert manual.call("getAccountInfo", USDC_MINT)["value"]["data"] == base58.encode(raw)
    parsed = data("jsonParsed")
    assert parsed["program"] == "spl-token"
    assert parsed["parsed"]["type"] == "mint"
    assert parsed["parsed"]["info"]["decimals"] == 6
    assert parsed["parsed"]["info"]["mintAuthority"] == str(manual.chain.faucet.mint_authority)


async def test_an_account_has_the_fields_of_a_node(manual: ManualChain) -> None:
    answer = manual.call("getAccountInfo", USDC_MINT, BASE64)
    assert answer["context"]["slot"] == manual.chain.head.slot
    assert answer["value"].keys() == {"lamports", "data", "owner", "executable", "rentEpoch", "space"}
    assert answer["value"]["owner"] == str(TOKEN_PROGRAM)
    assert answer["value"]["space"] == 82
    assert manual.call("getAccountInfo", str(Keypair().pubkey()))["value"] is None


async def test_base58_refuses_long_data(manual: ManualChain) -> None:
    pool = manual.call("getProgramAccounts", str(METEORA_DAMM_V2), BASE64)[0]["pubkey"]
    with pytest.raises(RpcFailure, match="should be less than 128 bytes") as failed:
        manual.call("getAccountInfo", pool, {"encoding": "base58"})
    assert failed.value.code == -32600


async def test_many_accounts_are_read_at_one_slot_with_null_for_missing_ones(manual: ManualChain) -> None:
    missing = str(Keypair().pubkey())
    sliced = {**BASE64, "dataSlice": {"offset": 36, "length": 8}}
    answer = manual.call("getMultipleAccounts", [USDC_MINT, missing], sliced)
    supply = base64.b64decode(answer["value"][0]["data"][0])
    assert int.from_bytes(supply, "little") == int(manual.call("getTokenSupply", USDC_MINT)["value"]["amount"])
    assert answer["value"][0]["space"] == 82
    assert answer["value"][1] is None
    with pytest.raises(RpcFailure, match="Too many inputs provided; max 100") as failed:
        manual.call("getMultipleAccounts", [USDC_MINT] * 101)
    assert failed.value.code == -32602


async def test_program_accounts_are_filtered_by_size_and_bytes(manual: ManualChain) -> None:
    program = str(RAYDIUM_CPMM)
    pools = manual.call("getProgramAccounts", program, {**BASE64, "filters": [{"dataSize": 637}]})
    configs = manual.call("getProgramAccounts", program, {**BASE64, "filters": [{"dataSize": 236}]})
    assert len(pools) == 5
    assert len(configs) == 2
    discriminator = base58.encode(bytes.fromhex("f7ede3f5d7c3de46"))
    with_usdc = [
        found["pubkey"]
        for offset in (168, 200)
        for found in manual.call(
            "getProgramAccounts",
            program,
            {
                **BASE64,
                "filters": [
                    {"memcmp": {"offset": 0, "bytes": discriminator}},
                    {"memcmp": {"offset": offset, "bytes": USDC_MINT}},
                ],
            },
        )
    ]
    assert len(with_usdc) == 3
    in_context = manual.call("getProgramAccounts", program, {**BASE64, "withContext": True})
    assert in_context["context"]["slot"] == manual.chain.head.slot


async def test_a_slot_not_reached_is_refused(manual: ManualChain) -> None:
    slot = manual.call("getSlot", CONFIRMED)
    with pytest.raises(RpcFailure, match="Minimum context slot has not been reached") as failed:
        manual.call("getAccountInfo", USDC_MINT, {**CONFIRMED, "minContextSlot": slot + 1})
    assert failed.value.code == -32016
    assert failed.value.data == {"contextSlot": slot}
    await manual.tick(2)
    assert manual.call("getAccountInfo", USDC_MINT, {**CONFIRMED, "minContextSlot": slot + 1})["value"]


async def test_an_airdrop_of_a_seeded_token_opens_the_account_and_mints(manual: ManualChain) -> None:
    wallet = Keypair().pubkey()
    signature = manual.call("requestAirdrop", str(wallet), 1_500_000_000, {"mint": USDC_MINT})
    await manual.tick(2)
    status = manual.status(signature)
    assert status is not None
    assert (status["err"], status["confirmationStatus"]) == (None, "confirmed")
    address = str(associated_token_address(wallet, USDC.mint))
    balance = manual.call("getTokenAccountBalance", address, CONFIRMED)["value"]
    assert balance == {"amount": "1500000000", "decimals": 6, "uiAmount": 1500.0, "uiAmountString": "1500"}
    manual.call("requestAirdrop", str(wallet), 1, {"mint": USDC_MINT})
    await manual.tick(2)
    assert manual.call("getTokenAccountBalance", address, CONFIRMED)["value"]["uiAmountString"] == "1500.000001"
    for wanted in ({"mint": USDC_MINT}, {"programId": str(TOKEN_PROGRAM)}):
        found = manual.call("getTokenAccountsByOwner", str(wallet), wanted, {**CONFIRMED, "encoding": "jsonParsed"})[
            "value"
        ]
        assert [account["pubkey"] for account in found] == [address]
        info = found[0]["account"]["data"]["parsed"]["info"]
        assert info["tokenAmount"]["amount"] == "1500000001"
        assert info["owner"] == str(wallet)


@pytest.mark.parametrize(
    "mint",
    [
        pytest.param("So11111111111111111111111111111111111111112", id="sol"),
        pytest.param(str(Keypair().pubkey()), id="unknown"),
    ],
)
async def test_only_seeded_tokens_can_be_airdropped(manual: ManualChain, mint: str) -> None:
    with pytest.raises(RpcFailure, match="is not a token this chain can mint") as failed:
        manual.call("requestAirdrop", str(Keypair().pubkey()), 1, {"mint": mint})
    assert failed.value.code == -32602


async def test_a_token_account_is_told_from_others(manual: ManualChain) -> None:
    with pytest.raises(RpcFailure, match="could not find account"):
        manual.call("getTokenAccountBalance", str(Keypair().pubkey()))
    with pytest.raises(RpcFailure, match="not a Token account"):
        manual.call("getTokenAccountBalance", USDC_MINT)
    with pytest.raises(RpcFailure, match="could not find mint"):
        manual.call("getTokenSupply", str(Keypair().pubkey()))


async def test_the_largest_holders_of_a_token_are_pool_vaults(manual: ManualChain) -> None:
    largest = manual.call("getTokenLargestAccounts", USDC_MINT)["value"]
    amounts = [int(holder["amount"]) for holder in largest]
    assert len(largest) == 6
    assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "at least 1 argument"),
        (["not an address"], "Invalid param"),
        ([7], "expected a string"),
        ([USDC_MINT, 7], "expected a configuration object"),
        ([USDC_MINT, {"commitment": "soon"}], "unknown variant"),
        ([USDC_MINT, {"encoding": "morse"}], "unknown variant"),
        ([USDC_MINT, {"minContextSlot": -1}], "expected u64"),
        ([USDC_MINT, {"dataSlice": {"offset": 1}}], "missing field `length`"),
    ],
)
async def test_bad_parameters_are_named(manual: ManualChain, params: list[Any], message: str) -> None:
    with pytest.raises(RpcFailure, match=message) as failed:
        manual.call("getAccountInfo", *params)
    assert failed.value.code == -32602


async def test_rent_is_solanas(manual: ManualChain) -> None:
    assert manual.call("getMinimumBalanceForRentExemption", 165) == 2_039_280
    assert manual.call("getMinimumBalanceForRentExemption", 0) == 890_880
    assert manual.call("getAccountInfo", USDC_MINT, PROCESSED)["value"]["lamports"] == 1_461_600
