"""Transactions that look addresses up in tables: created and used on the local chain as on a real one."""

from typing import Any

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.messages import LOOKUP_TABLE_PROGRAM, SYSTEM_PROGRAM
from tests.localnet.chains import READABLE, ManualChain, RpcFailure, signed


async def _table(manual: ManualChain, owner: Keypair, addresses: list[Pubkey]) -> Pubkey:
    """A lookup table of these addresses, ready for use."""
    slot = manual.chain.head.slot
    seeds = [bytes(owner.pubkey()), slot.to_bytes(8, "little")]
    address, bump = Pubkey.find_program_address(seeds, LOOKUP_TABLE_PROGRAM)
    metas = [
        AccountMeta(address, is_signer=False, is_writable=True),
        AccountMeta(owner.pubkey(), is_signer=True, is_writable=False),
        AccountMeta(owner.pubkey(), is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
    ]
    create = Instruction(LOOKUP_TABLE_PROGRAM, b"\0\0\0\0" + slot.to_bytes(8, "little") + bytes([bump]), metas)
    extension = len(addresses).to_bytes(8, "little") + b"".join(map(bytes, addresses))
    extend = Instruction(LOOKUP_TABLE_PROGRAM, b"\2\0\0\0" + extension, metas)
    await manual.tick()
    manual.send(signed([owner], [create, extend], manual.latest_blockhash()))
    await manual.tick(2)
    return address


def _paying(manual: ManualChain, payer: Keypair, to: Pubkey, table: AddressLookupTableAccount) -> Any:
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=2_000_000))
    message = MessageV0.try_compile(payer.pubkey(), [pay], [table], manual.latest_blockhash())
    return VersionedTransaction(message, [payer])


async def test_a_looked_up_account_is_paid_and_told(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    table = await _table(manual, payer, [Keypair().pubkey(), to])
    account = AddressLookupTableAccount(table, [Keypair().pubkey(), to])
    transaction = _paying(manual, payer, to, account)
    signature = manual.send(transaction)
    await manual.tick(2)

    found = manual.call("getTransaction", signature, READABLE)

    assert found["meta"]["err"] is None
    assert found["meta"]["loadedAddresses"] == {"readonly": [], "writable": [str(to)]}
    lookups = found["transaction"]["message"]["addressTableLookups"]
    assert lookups == [{"accountKey": str(table), "readonlyIndexes": [], "writableIndexes": [1]}]
    assert found["meta"]["postBalances"][-1] == 2_000_000
    parsed = manual.call("getTransaction", signature, {**READABLE, "encoding": "jsonParsed"})
    keys = parsed["transaction"]["message"]["accountKeys"]
    assert keys[-1] == {"pubkey": str(to), "signer": False, "source": "lookupTable", "writable": True}
    listed = manual.call("getSignaturesForAddress", str(to), {"commitment": "confirmed"})
    assert [entry["signature"] for entry in listed] == [signature]


async def test_a_missing_table_is_named(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    missing = AddressLookupTableAccount(Keypair().pubkey(), [to])
    with pytest.raises(RpcFailure, match="address table account that doesn't exist") as failed:
        manual.send(_paying(manual, payer, to, missing))
    assert failed.value.data["err"] == "AddressLookupTableNotFound"
    signature = manual.send(_paying(manual, payer, to, missing), skipPreflight=True)
    await manual.tick()
    assert manual.status(signature) is None


async def test_an_index_beyond_the_table_is_named(manual: ManualChain) -> None:
    payer = await manual.funded()
    to = Keypair().pubkey()
    table = await _table(manual, payer, [Keypair().pubkey()])
    too_long = AddressLookupTableAccount(table, [Keypair().pubkey(), to])
    with pytest.raises(RpcFailure) as failed:
        manual.send(_paying(manual, payer, to, too_long))
    assert failed.value.data["err"] == "InvalidAddressLookupTableIndex"
