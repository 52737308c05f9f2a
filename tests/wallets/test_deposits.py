"""Deposits as the chain has them."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.chain.errors import RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.transactions import compose
from engine_app.markets.tokens import TokenList
from engine_app.storage.postgres import Database
from engine_app.wallets.balances import Wallets
from engine_app.wallets.deposits import Deposit, Deposits
from tests.waiting import until
from tests.wallets.conftest import LOCALNET, nothing_reserved

SOL = 10**9
TOKENS = TokenList(LOCALNET)


async def no_own(owner: Pubkey, signatures: Collection[str]) -> Collection[str]:
    return ()


async def send_sol(rpc: Rpc, sender: Keypair, to: Pubkey, lamports: int) -> str:
    """Transfer SOL; confirmed when this returns, with the signature."""
    message = compose(
        sender.pubkey(),
        [transfer(TransferParams(from_pubkey=sender.pubkey(), to_pubkey=to, lamports=lamports))],
        blockhash=(await rpc.latest_blockhash()).hash,
        compute_unit_limit=10_000,
        compute_unit_price=0,
    )
    transaction = VersionedTransaction(message, [sender])
    await rpc.send(bytes(transaction))
    signature = transaction.signatures[0]

    async def confirmed() -> bool:
        return await rpc.transaction(signature) is not None

    await until(confirmed)
    return str(signature)


@pytest.fixture
def wallets(database: Database, rpc: Rpc) -> Wallets:
    return Wallets(database, rpc, TOKENS, nothing_reserved)


async def test_what_others_sent_is_listed_and_what_the_engine_did_is_not(rpc: Rpc, wallets: Wallets, user: int) -> None:
    own: set[str] = set()

    async def is_own(owner: Pubkey, signatures: Collection[str]) -> Collection[str]:
        return own & set(signatures)

    deposits = Deposits(rpc, wallets, TOKENS, is_own)
    assert await deposits.recent(user, 10) == []
    sender, address = Keypair(), await wallets.address(user)
    await rpc.airdrop(sender.pubkey(), 10 * SOL)
    await until(lambda: rpc.balance(sender.pubkey()))
    first = await send_sol(rpc, sender, address, 2 * SOL)
    second = await send_sol(rpc, sender, address, SOL // 4)
    own.add(second)
    await rpc.airdrop(address, 3_000_000, TOKENS.resolve("USDC").mint)

    async def tokens_too() -> list[Deposit] | None:
        found = await deposits.recent(user, 10)
        return found if len(found) == 2 else None

    usdc, sol = await until(tokens_too)
    assert (usdc.token, usdc.amount_units, str(usdc.amount)) == ("USDC", 3_000_000, "3")
    assert (sol.token, sol.amount_units, sol.signature) == ("SOL", 2 * SOL, first)
    assert sol.sender == str(sender.pubkey())
    assert sol.at is not None
    assert sol.slot < usdc.slot


async def test_what_was_read_once_is_not_read_again(rpc: Rpc, wallets: Wallets, user: int) -> None:
    deposits = Deposits(rpc, wallets, TOKENS, no_own)
    await rpc.airdrop(await wallets.address(user), SOL)

    async def one() -> bool:
        return len(await deposits.recent(user, 5)) == 1

    await until(one)
    before = rpc.totals.of("getTransaction")
    assert await one()
    assert rpc.totals.of("getTransaction") == before


async def test_a_silent_node_is_told(database: Database, user: int, unused_tcp_port: int) -> None:
    silent = Rpc([f"http://127.0.0.1:{unused_tcp_port}"], LOCALNET)
    with pytest.raises(RpcUnavailable):
        await Deposits(silent, Wallets(database, silent, TOKENS, nothing_reserved), TOKENS, no_own).recent(user, 5)
    await silent.close()
