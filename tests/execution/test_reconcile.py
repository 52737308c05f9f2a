"""Orders and wallets against the chain."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from sqlalchemy import text

from engine_app.chain.transactions import compose
from engine_app.execution.reconcile import Difference, differing_orders, unknown_transactions
from engine_app.orders.errors import WalletStopped
from engine_app.wallets import repository as wallets
from engine_app.wallets.derivation import keypair_at, seed_of
from tests.conftest import MNEMONIC
from tests.execution.conftest import Customer, Desk
from tests.waiting import until


async def orders(desk: Desk) -> list[Difference]:
    return [found async for found in differing_orders(desk.database, desk.engine.rpc)]


async def transactions(desk: Desk) -> list[Difference]:
    return [found async for found in unknown_transactions(desk.database, desk.engine.rpc)]


async def key_of(desk: Desk, customer: Customer) -> Keypair:
    async with desk.database.transaction() as session:
        wallet = await wallets.wallet_of_user(session, customer.user_id)
    return keypair_at(seed_of(MNEMONIC), wallet.derivation_index)


async def finalized(desk: Desk, transaction: VersionedTransaction) -> None:
    async def done() -> bool:
        _, (status,) = await desk.engine.rpc.signature_statuses([transaction.signatures[0]], history=True)
        return status is not None and status.commitment == "finalized"

    await until(done)


async def test_a_database_that_agrees_with_the_chain_has_no_differences(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    await desk.reaches(order_id, "confirmed")
    assert await orders(desk) == []
    assert await transactions(desk) == []


async def test_amounts_that_the_chain_tells_otherwise_are_found(desk: Desk) -> None:
    customer = await desk.customer()
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    confirmed = await desk.reaches(order_id, "confirmed")
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE orders SET amount_out = amount_out + 1 WHERE id = :id"), {"id": order_id})
    (difference,) = await orders(desk)
    assert (difference.subject, difference.signature) == (str(order_id), confirmed.tx_hash)
    assert "the chain moved" in difference.found


async def test_a_transaction_that_no_attempt_knows_stops_the_wallet_until_it_is_explained(desk: Desk) -> None:
    customer = await desk.customer()
    key = await key_of(desk, customer)
    message = compose(
        customer.address,
        [transfer(TransferParams(from_pubkey=customer.address, to_pubkey=Pubkey.new_unique(), lamports=10**9))],
        blockhash=(await desk.engine.rpc.latest_blockhash()).hash,
        compute_unit_limit=10_000,
        compute_unit_price=0,
    )
    stranger = VersionedTransaction(message, [key])
    await desk.engine.rpc.send(bytes(stranger))
    await finalized(desk, stranger)
    (difference,) = await transactions(desk)
    assert (difference.subject, difference.signature) == (str(customer.address), str(stranger.signatures[0]))
    with pytest.raises(WalletStopped):
        await desk.place(customer, "SOL", "USDC", "1")
    async with desk.database.transaction() as session:
        assert await wallets.explain(session, difference.subject, difference.signature, "moved by hand")
    assert await transactions(desk) == []
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    await desk.reaches(order_id, "confirmed")
