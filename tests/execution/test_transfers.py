"""Withdrawals on a real chain: what leaves, what arrives, what is left, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from engine_app.chain.token_accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_SIZE,
    WRAPPED_SOL_MINT,
    ata,
    decode_token_account,
)
from engine_app.chain.token_instructions import create_ata_idempotent
from engine_app.execution.building import WALLET_SIZE
from engine_app.execution.reconcile import differing_orders, unknown_transactions
from engine_app.markets.tokens import TokenList
from engine_app.orders.models import Order
from engine_app.wallets.balances import Wallets
from engine_app.wallets.deposits import Deposits
from tests.execution.conftest import GRANT, Customer, Desk
from tests.mints import Extension, freeze, issue, mint_size, new_mint, require_memos, transfer_fee, transfer_hook
from tests.waiting import until

SOL = str(WRAPPED_SOL_MINT)
OWN_CALLS = {"getMultipleAccounts": 1, "simulateTransaction": 1, "sendTransaction": 1, "getTransaction": 1}


async def withdrawn(desk: Desk, customer: Customer, token: str, amount: str, to: Pubkey) -> Order:
    """A withdrawal that has come to its end."""
    order_id = await desk.withdraw(customer, token, amount, to)
    await desk.run(order_id)
    return await desk.reaches(order_id, "confirmed", "failed")


async def token_balance(desk: Desk, owner: Pubkey, mint: Pubkey) -> int:
    held = await desk.engine.rpc.token_accounts_by_owner(owner)
    return sum(account.amount for _, account in held if account.mint == mint)


def fill(order: Order) -> dict[str, int]:
    return {name: int(value) for name, value in (order.fill or {}).items()}


async def test_sol_arrives_to_the_lamport(desk: Desk) -> None:
    customer, to = await desk.customer(), Keypair().pubkey()
    order = await withdrawn(desk, customer, "SOL", "1.25", to)
    assert (order.status, order.error_code) == ("confirmed", None)
    assert (order.kind, order.token_in, order.token_out, order.destination) == ("transfer", SOL, SOL, str(to))
    assert order.spent_in == order.amount_out == order.quoted_out == order.min_out == Decimal(1_250_000_000)
    assert order.selected_dex is None
    assert order.rpc_calls == OWN_CALLS
    moved = fill(order)
    assert (moved["unexplained"], moved["rent_paid"], moved["rent_returned"]) == (0, 0, 0)
    assert await desk.engine.rpc.balance(to) == 1_250_000_000
    assert await desk.engine.rpc.balance(customer.address) == GRANT - 1_250_000_000 - moved["network_fee"]
    assert await desk.orders.reserved(customer.user_id) == {}


async def test_a_token_arrives_in_an_account_that_is_made_for_it(desk: Desk) -> None:
    customer, to = await desk.customer(tokens={"USDC": 5_000_000}), Keypair().pubkey()
    mint = TokenList(desk.engine.cluster).resolve("USDC").mint
    rent = await desk.engine.rents.exemption(TOKEN_ACCOUNT_SIZE)
    order = await withdrawn(desk, customer, "USDC", "2", to)
    assert order.status == "confirmed"
    assert order.spent_in == order.amount_out == 2_000_000
    moved = fill(order)
    assert (moved["rent_paid"], moved["unexplained"]) == (rent, 0)
    assert await token_balance(desk, to, mint) == 2_000_000
    assert await token_balance(desk, customer.address, mint) == 3_000_000
    assert await desk.engine.rpc.balance(customer.address) == GRANT - rent - moved["network_fee"]
    again = await withdrawn(desk, customer, "USDC", "max", to)
    assert again.spent_in == 3_000_000
    assert fill(again)["rent_paid"] == 0
    assert await token_balance(desk, to, mint) == 5_000_000


async def test_everything_leaves_nothing_behind(desk: Desk) -> None:
    customer, to = await desk.customer(lamports=3 * 10**9), Keypair().pubkey()
    order = await withdrawn(desk, customer, "SOL", "max", to)
    assert order.status == "confirmed"
    assert await desk.engine.rpc.balance(customer.address) == 0
    assert await desk.engine.rpc.balance(to) == order.amount_out == 3 * 10**9 - 10_000
    assert fill(order)["network_fee"] == 10_000


async def test_sol_that_is_too_little_to_stay_is_not_left(desk: Desk) -> None:
    customer, to = await desk.customer(lamports=10**9), Keypair().pubkey()
    rent = await desk.engine.rents.exemption(WALLET_SIZE)
    order = await withdrawn(desk, customer, "SOL", "0.9999", to)
    assert (order.status, order.error_code) == ("failed", "LEAVES_DUST")
    order = await withdrawn(desk, customer, "SOL", "1", to)
    assert (order.status, order.error_code) == ("failed", "INSUFFICIENT_FUNDS")
    order = await withdrawn(desk, customer, "SOL", "0.999995", to)
    assert (order.status, fill(order)["network_fee"]) == ("confirmed", 5_000)
    assert await desk.engine.rpc.balance(customer.address) == 0
    assert rent > 100_000


async def test_what_no_wallet_can_receive_is_refused_before_anything_is_signed(desk: Desk) -> None:
    customer = await desk.customer(tokens={"USDC": 5_000_000})
    program = desk.engine.cluster.raydium_cpmm
    order = await withdrawn(desk, customer, "SOL", "1", program)
    assert (order.status, order.error_code, order.tries) == ("failed", "DESTINATION_REFUSED", 0)
    order = await withdrawn(desk, customer, "USDC", "9", Keypair().pubkey())
    assert (order.status, order.error_code) == ("failed", "INSUFFICIENT_FUNDS")
    order = await withdrawn(desk, customer, "SOL", "0.0005", Keypair().pubkey())
    assert (order.status, order.error_code) == ("failed", "DESTINATION_BELOW_RENT")
    assert await desk.engine.rpc.balance(customer.address) == GRANT


async def test_two_like_withdrawals_are_two_transactions(desk: Desk) -> None:
    customer, to = await desk.customer(), Keypair().pubkey()
    first, second = [await desk.withdraw(customer, "SOL", "1", to) for _ in range(2)]
    for order_id in (first, second):
        await desk.run(order_id)
    done = [await desk.reaches(order_id, "confirmed", "failed") for order_id in (first, second)]
    assert [order.status for order in done] == ["confirmed", "confirmed"]
    assert done[0].tx_hash != done[1].tx_hash
    assert await desk.engine.rpc.balance(to) == 2 * 10**9


async def test_an_open_withdrawal_holds_what_it_needs(desk: Desk) -> None:
    customer, to = await desk.customer(lamports=5 * 10**9), Keypair().pubkey()
    first = await desk.withdraw(customer, "SOL", "3", to)
    async with desk.no_slot():
        assert (await desk.run(first)).status == "submitted"
        assert (await desk.orders.reserved(customer.user_id))[SOL] > 3 * 10**9
    second = await desk.place(customer, "SOL", "USDC", "3")
    await desk.run(second)
    refused = await desk.reaches(second, "confirmed", "failed")
    assert (refused.status, refused.error_code) == ("failed", "INSUFFICIENT_FUNDS")
    assert (await desk.reaches(first, "confirmed", "failed")).status == "confirmed"


async def test_a_withdrawal_can_be_cancelled_until_it_is_signed(desk: Desk) -> None:
    customer, to = await desk.customer(), Keypair().pubkey()
    order_id = await desk.withdraw(customer, "SOL", "1", to)
    await desk.orders.cancel(customer.user_id, order_id)
    await desk.run(order_id)
    order = await desk.reaches(order_id, "confirmed", "failed")
    assert (order.status, order.error_code) == ("failed", "CANCELLED")
    assert await desk.engine.rpc.balance(customer.address) == GRANT


class Issuer:
    """Whoever makes Token-2022 mints, gives them out and freezes what he likes."""

    def __init__(self, desk: Desk) -> None:
        self.keypair = Keypair()
        self._desk = desk

    async def mint(self, *extensions: Extension) -> Pubkey:
        """A new mint of 6 decimals."""
        mint, rpc = Keypair(), self._desk.engine.rpc
        await rpc.airdrop(self.keypair.pubkey(), 10**9)
        await until(self._is_funded)
        rent = await rpc.rent_exemption(mint_size(extensions))
        made = new_mint(self.keypair.pubkey(), mint.pubkey(), extensions, decimals=6, lamports=rent)
        await self.lands([self.keypair, mint], *made)
        return mint.pubkey()

    async def gives(self, to: Pubkey, mint: Pubkey, amount: int) -> None:
        """Base units to a wallet."""
        payer = self.keypair.pubkey()
        opened = create_ata_idempotent(payer, to, mint, TOKEN_2022_PROGRAM)
        await self.lands([self.keypair], opened, issue(payer, to, mint, amount))

    async def lands(self, signers: list[Keypair], *instructions: Instruction) -> None:
        """Send what the first signer pays for, and wait until it is confirmed."""
        rpc = self._desk.engine.rpc
        blockhash = (await rpc.latest_blockhash()).hash
        message = MessageV0.try_compile(signers[0].pubkey(), list(instructions), [], blockhash)
        transaction = VersionedTransaction(message, signers)
        await rpc.send(bytes(transaction))
        await until(lambda: self._landed(transaction.signatures[0]))

    async def _landed(self, signature: Signature) -> bool:
        _, (status,) = await self._desk.engine.rpc.signature_statuses([signature])
        assert status is None or status.error is None, status
        return status is not None and status.commitment in ("confirmed", "finalized")

    async def _is_funded(self) -> bool:
        return await self._desk.engine.rpc.balance(self.keypair.pubkey()) > 0


async def test_of_a_token_that_keeps_a_fee_the_rest_arrives_and_is_told(desk: Desk) -> None:
    issuer, customer, to = Issuer(desk), await desk.customer(), Keypair().pubkey()
    mint = await issuer.mint(transfer_fee(basis_points=250, maximum=10**9))
    await issuer.gives(customer.address, mint, 9_000_000)
    order = await withdrawn(desk, customer, str(mint), "4", to)
    assert (order.status, order.error_code) == ("confirmed", None)
    assert order.spent_in == 4_000_000
    assert order.quoted_out == order.min_out == order.amount_out == 3_900_000
    moved = fill(order)
    rent = await desk.engine.rents.exemption(TOKEN_ACCOUNT_SIZE + 1 + 4 + 12)
    assert (moved["rent_paid"], moved["unexplained"]) == (rent, 0)
    read = await desk.engine.rpc.accounts([ata(to, mint, TOKEN_2022_PROGRAM)])
    (account,) = read.accounts.values()
    assert decode_token_account(account).amount == 3_900_000


async def test_a_token_whose_transfers_cannot_be_priced_stays(desk: Desk) -> None:
    issuer, customer = Issuer(desk), await desk.customer()
    mint = await issuer.mint(transfer_hook(Keypair().pubkey()))
    await issuer.gives(customer.address, mint, 10**6)
    order = await withdrawn(desk, customer, str(mint), "1", Keypair().pubkey())
    assert (order.status, order.error_code) == ("failed", "TOKEN_NOT_TRANSFERABLE")
    assert "transfer hook" in (order.error_message or "")


async def test_accounts_that_want_a_memo_get_one_and_frozen_ones_nothing(desk: Desk) -> None:
    issuer, customer, receiver = Issuer(desk), await desk.customer(), Keypair()
    mint = await issuer.mint()
    await issuer.gives(customer.address, mint, 5_000_000)
    await issuer.gives(receiver.pubkey(), mint, 1)
    await desk.engine.rpc.airdrop(receiver.pubkey(), 10**9)
    await until(lambda: is_funded(desk, receiver.pubkey()))
    await issuer.lands([receiver], *require_memos(receiver.pubkey(), mint))
    order = await withdrawn(desk, customer, str(mint), "1", receiver.pubkey())
    assert order.status == "confirmed"
    assert order.amount_out == 1_000_000
    (attempt,) = await desk.attempts(order.id)
    assert attempt.id.hex.encode() in (attempt.transaction or b"")
    await issuer.lands([issuer.keypair], freeze(issuer.keypair.pubkey(), receiver.pubkey(), mint))
    order = await withdrawn(desk, customer, str(mint), "1", receiver.pubkey())
    assert (order.status, order.error_code) == ("failed", "DESTINATION_REFUSED")
    await issuer.lands([issuer.keypair], freeze(issuer.keypair.pubkey(), customer.address, mint))
    order = await withdrawn(desk, customer, str(mint), "1", Keypair().pubkey())
    assert (order.status, order.error_code) == ("failed", "TOKEN_NOT_TRANSFERABLE")


async def is_funded(desk: Desk, address: Pubkey) -> bool:
    return await desk.engine.rpc.balance(address) > 0


async def test_withdrawals_agree_with_the_chain(desk: Desk) -> None:
    giver, taker = await desk.customer(tokens={"USDC": 5_000_000}), await desk.customer()
    placed: list[UUID] = []
    for token, amount in (("SOL", "1"), ("USDC", "2")):
        placed.append((await withdrawn(desk, giver, token, amount, taker.address)).id)
    assert [(await desk.order(order_id)).status for order_id in placed] == ["confirmed", "confirmed"]
    database, rpc = desk.database, desk.engine.rpc
    tokens = TokenList(desk.engine.cluster)
    wallets = Wallets(database, rpc, tokens, desk.orders.reserved)
    deposits = Deposits(rpc, wallets, tokens, desk.orders.own_transactions)
    arrived = {deposit.token: deposit for deposit in await deposits.recent(taker.user_id, 10)}
    assert (arrived["USDC"].amount_units, arrived["USDC"].sender) == (2_000_000, str(giver.address))
    assert {deposit.sender for deposit in await deposits.recent(giver.user_id, 10)}.isdisjoint({str(giver.address)})
    assert [found async for found in differing_orders(database, rpc)] == []
    assert [found async for found in unknown_transactions(database, rpc)] == []
