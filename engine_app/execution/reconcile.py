"""All orders against the chain, and all transactions of all wallets against the attempts.

Nothing is put right here: differences are told. A wallet with a transaction that no attempt knows, after a restore
from an old backup say, takes no new orders until an operator has explained it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.chain.answers import SignatureStatus
from engine_app.chain.rpc import Rpc
from engine_app.execution.settle import fill_of
from engine_app.orders import attempts
from engine_app.orders.models import Attempt, Order
from engine_app.storage.postgres import Database
from engine_app.wallets import repository as wallets
from engine_app.wallets.models import Wallet

PAGE = 256
"""Signatures that one getSignatureStatuses takes."""
HISTORY_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which the database and the chain differ.

    Attributes:
        subject: the order's id or the wallet's address.
        signature: the transaction it is about.
        found: one sentence.
    """

    subject: str
    signature: str
    found: str


async def differing_orders(database: Database, rpc: Rpc) -> AsyncIterator[Difference]:
    """Every signed attempt whose order the chain tells otherwise. Raises RpcUnavailable."""
    after: UUID | None = None
    while True:
        async with database.transaction() as session:
            page = await attempts.signed_page(session, after=after, limit=PAGE)
        if not page:
            return
        after = page[-1][0].id
        signatures = [Signature.from_string(attempt.signature or "") for attempt, _ in page]
        _, statuses = await rpc.signature_statuses(signatures, history=True)
        for (attempt, order), signature, status in zip(page, signatures, statuses, strict=True):
            found = _differs(attempt, order, status)
            if found is None and order.status == "confirmed" and order.tx_hash == attempt.signature:
                found = await _amounts_differ(attempt, order, signature, rpc)
            if found is not None:
                yield Difference(str(order.id), str(signature), found)


def _differs(attempt: Attempt, order: Order, status: SignatureStatus | None) -> str | None:
    succeeded = status is not None and status.error is None
    confirmed = order.status == "confirmed" and order.tx_hash == attempt.signature
    if confirmed and not succeeded:
        return "the order is confirmed, but the chain does not hold the transaction as a success"
    if succeeded and not confirmed and attempt.verdict is not None:
        return f"the chain holds a successful transaction of an attempt that is {attempt.verdict}"
    if order.status == "failed" and succeeded:
        return "the order is failed, but its transaction succeeded"
    if attempt.verdict == "landed_error" and status is None:
        return "the attempt landed with an error, but the chain does not know the transaction"
    return None


async def _amounts_differ(attempt: Attempt, order: Order, signature: Signature, rpc: Rpc) -> str | None:
    transaction = await rpc.transaction(signature)
    if transaction is None:
        return "the chain gives no details of the transaction; its history may have been pruned"
    fill = fill_of(order, attempt.id, transaction)
    if order.spent_in != fill.spent or order.amount_out != fill.received:
        return f"recorded {order.spent_in} → {order.amount_out}, the chain moved {fill.spent} → {fill.received}"
    left_over = int((order.fill or {}).get("left_over", 0))
    if left_over != fill.left_over:
        return f"recorded {left_over} left over of a token in between, the chain left {fill.left_over}"
    return None


async def unknown_transactions(database: Database, rpc: Rpc) -> AsyncIterator[Difference]:
    """Every transaction that a wallet has signed and no attempt knows; stops or resumes each wallet's intake.

    Raises RpcUnavailable.
    """
    async with database.transaction() as session:
        known_wallets = await wallets.traders(session)
    for wallet in known_wallets:
        unknown = [signature async for signature in _unknown(wallet, database, rpc)]
        if bool(unknown) != (wallet.stopped_at is not None):
            async with database.transaction() as session:
                await wallets.stop_intake(session, wallet.id, stopped=bool(unknown))
        for signature in unknown:
            yield Difference(wallet.address, str(signature), "the wallet signed a transaction that no attempt knows")


async def _known_by_now(signature: Signature, database: Database) -> bool:
    """Whether an attempt was committed with it since the wallet's signatures were read."""
    async with database.transaction() as session:
        return await attempts.knows(session, str(signature))


async def _unknown(wallet: Wallet, database: Database, rpc: Rpc) -> AsyncIterator[Signature]:
    address = Pubkey.from_string(wallet.address)
    async with database.transaction() as session:
        known = await attempts.signatures_of_wallet(session, wallet.id) | await wallets.explained(session, wallet.id)
    before: Signature | None = None
    while True:
        page = await rpc.signatures_for_address(address, before=before, limit=HISTORY_PAGE)
        for signature in (naming.signature for naming in page):
            if str(signature) in known:
                continue
            transaction = await rpc.transaction(signature, "finalized")
            signed_here = transaction is None or address in transaction.signers
            if signed_here and not await _known_by_now(signature, database):
                yield signature
        if len(page) < HISTORY_PAGE:
            return
        before = page[-1].signature
