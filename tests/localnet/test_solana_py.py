"""solana-py's own clients against a running local chain."""

import asyncio
import json

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import MemcmpOpts, TokenAccountOpts, TxOpts
from solana.rpc.websocket_api import SolanaWsClient
from solders.account_decoder import ParsedAccount
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc.errors import SendTransactionPreflightFailureMessage
from solders.rpc.responses import SignatureNotification, SlotNotification
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError

from engine_app.localnet.server import Localnet
from tests.localnet.swaps import CPMM, MINTS, TOKEN_PROGRAM, token_account


async def _pay(client: AsyncClient, payer: Keypair, lamports: int) -> VersionedTransaction:
    latest = (await client.get_latest_blockhash(Confirmed)).value
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=Keypair().pubkey(), lamports=lamports))
    message = MessageV0.try_compile(payer.pubkey(), [pay], [], latest.blockhash)
    return VersionedTransaction(message, [payer])


async def _funded(client: AsyncClient) -> Keypair:
    payer = Keypair()
    signature = (await client.request_airdrop(payer.pubkey(), 10**9)).value
    await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
    return payer


async def test_reads(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        assert await client.is_connected()
        assert (await client.get_version()).value.solana_core
        assert (await client.get_genesis_hash()).value == running.chain.genesis_hash
        slot, height = (await client.get_slot(Processed)).value, (await client.get_block_height(Processed)).value
        assert slot > height > 0
        assert (await client.get_epoch_info()).value.absolute_slot >= slot - 1
        assert (await client.get_first_available_block()).value < slot
        assert (await client.get_minimum_balance_for_rent_exemption(165)).value == 2_039_280
        mint = (await client.get_account_info(MINTS["USDC"])).value
        assert mint is not None
        assert mint.owner == TOKEN_PROGRAM
        several = (await client.get_multiple_accounts([MINTS["USDC"], Keypair().pubkey()])).value
        assert several[0] == mint
        assert several[1] is None
        filters: list[int | MemcmpOpts] = [637, MemcmpOpts(offset=168, bytes=str(MINTS["SOL"]))]
        pools = (await client.get_program_accounts(CPMM, encoding="base64", filters=filters)).value
        assert len(pools) == 3


async def test_tokens(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        wallet = Keypair().pubkey()
        blockhash = (await client.get_latest_blockhash(Confirmed)).value.blockhash
        minting = running.chain.faucet.tokens(wallet, MINTS["BONK"], 12_345_678, blockhash)
        signature = (await client.send_transaction(minting)).value
        await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
        balance = (await client.get_token_account_balance(token_account(wallet, "BONK"))).value
        assert (balance.amount, balance.decimals, balance.ui_amount_string) == ("12345678", 5, "123.45678")
        by_mint = await client.get_token_accounts_by_owner(wallet, TokenAccountOpts(mint=MINTS["BONK"]))
        assert [keyed.pubkey for keyed in by_mint.value] == [token_account(wallet, "BONK")]
        parsed = await client.get_token_accounts_by_owner_json_parsed(
            wallet, TokenAccountOpts(program_id=TOKEN_PROGRAM)
        )
        data = parsed.value[0].account.data
        assert isinstance(data, ParsedAccount)
        assert json.loads(data.to_json())["parsed"]["info"]["tokenAmount"]["amount"] == "12345678"
        assert int((await client.get_token_supply(MINTS["BONK"])).value.amount) > 12_345_678


async def test_a_transfer_from_simulation_to_finality(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        payer = await _funded(client)
        transaction = await _pay(client, payer, 1_000_000)
        message = transaction.message
        assert isinstance(message, MessageV0)
        assert (await client.get_fee_for_message(message)).value == 5_000
        simulated = (await client.simulate_transaction(transaction, sig_verify=True)).value
        assert simulated.err is None
        assert simulated.units_consumed == 150
        signature = (await client.send_transaction(transaction)).value
        assert signature == transaction.signatures[0]
        await client.confirm_transaction(signature, Finalized, sleep_seconds=0.05)
        status = (await client.get_signature_statuses([signature])).value[0]
        assert status is not None
        assert status.err is None
        found = (await client.get_transaction(signature, max_supported_transaction_version=0)).value
        assert found is not None
        assert found.slot == status.slot
        meta = found.transaction.meta
        assert meta is not None
        assert meta.fee == 5_000
        assert meta.pre_balances[0] - meta.post_balances[0] == 1_005_000
        assert meta.compute_units_consumed == 150
        assert (await client.get_block_time(found.slot)).value == found.block_time
        listed = (await client.get_signatures_for_address(payer.pubkey(), limit=1)).value
        assert listed[0].signature == signature
        block = (await client.get_block(found.slot, max_supported_transaction_version=0)).value
        assert block is not None
        assert block.transactions is not None
        assert len(block.transactions) == 1


async def test_a_preflight_failure_is_parsed(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        payer = await _funded(client)
        with pytest.raises(RPCException) as failed:
            await client.send_transaction(await _pay(client, payer, 10**12))
        message = failed.value.args[0]
        assert isinstance(message, SendTransactionPreflightFailureMessage)
        assert message.data.err == TransactionErrorInstructionError(0, InstructionErrorCustom(1))
        assert message.data.logs


async def test_skipping_preflight_sends_it_all_the_same(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        payer = await _funded(client)
        opts = TxOpts(skip_preflight=True, max_retries=0)
        signature = (await client.send_transaction(await _pay(client, payer, 10**12), opts)).value
        await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
        status = (await client.get_signature_statuses([signature])).value[0]
        assert status is not None
        assert status.err == TransactionErrorInstructionError(0, InstructionErrorCustom(1))


@pytest.mark.parametrize("on_http_port", [False, True])
async def test_subscriptions(running: Localnet, on_http_port: bool) -> None:
    ws_url = running.url.replace("http", "ws") if on_http_port else running.ws_url
    async with AsyncClient(running.url, commitment=Confirmed) as client, SolanaWsClient(ws_url) as socket:
        payer = await _funded(client)
        transaction = await _pay(client, payer, 1_000_000)
        waiting = await socket.signature_subscribe(signature=transaction.signatures[0], commitment=Confirmed)
        await client.send_transaction(transaction)
        async with asyncio.timeout(20):
            told = await socket.recv()
        assert isinstance(told, SignatureNotification)
        assert told.subscription == waiting.subscription_id
        assert told.result.value.err is None
        slots = await socket.slot_subscribe()
        async with asyncio.timeout(20):
            assert isinstance(await socket.recv(), SlotNotification)
        await socket.unsubscribe(slots)


async def test_the_addresses_of_a_wallet_nobody_funded(running: Localnet) -> None:
    async with AsyncClient(running.url, commitment=Confirmed) as client:
        nobody: Pubkey = Keypair().pubkey()
        assert (await client.get_balance(nobody)).value == 0
        assert (await client.get_account_info(nobody)).value is None
        assert (await client.get_signatures_for_address(nobody)).value == []
