"""A token that nobody lists, whose first pool is made while the engine runs, is bought and sold like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from solders.pubkey import Pubkey
from sqlmodel import select

from engine_app.chain.priority_fees import priority_fee
from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_ACCOUNT_SIZE, WRAPPED_SOL_MINT
from engine_app.chain.transactions import MAX_COMPUTE_UNITS, SIGNATURE_LAMPORTS
from engine_app.execution.building import WALLET_SIZE
from engine_app.localnet.server import Localnet, LocalnetOptions
from engine_app.markets.tokens import whole
from engine_app.orders.lifecycle import MAX_TRIES
from engine_app.orders.models import Order, Reservation
from tests.execution.conftest import Desk
from tests.markets.conftest import put
from tests.markets.venues.vectors import state

MEASURED = state("raydium_cpmm", "cpmm-tfee-token2022/traded0")
TOKEN = next(
    key
    for key, account in MEASURED.accounts.items()
    if account.owner == TOKEN_2022_PROGRAM and len(account.data) > 200 and account.data[165] == 1
)
"""A mint of Token-2022 whose transfers cost a fee; it has a pool with SOL."""


@dataclass(frozen=True)
class OwnChain:
    """A chain in this process, so that the test can put a pool there."""

    localnet: Localnet

    @property
    def rpc_url(self) -> str:
        return self.localnet.url

    @property
    def ws_url(self) -> str:
        return self.localnet.ws_url


@pytest.fixture
async def chain() -> AsyncIterator[OwnChain]:
    async with Localnet(LocalnetOptions(port=0, ws_port=0, slot_ms=100)) as localnet:
        yield OwnChain(localnet)


async def test_an_unlisted_token_is_bought_and_sold(desk: Desk, chain: OwnChain) -> None:
    customer = await desk.customer()
    pool = {key: account for key, account in MEASURED.accounts.items() if key != WRAPPED_SOL_MINT}
    await put(chain.localnet, pool)

    bought = await desk.place(customer, "SOL", str(TOKEN), "0.5")
    order = await desk.order(bought)
    assert order.decimals_out == 6
    assert order.token_warnings.keys() == {str(TOKEN)}
    assert {"UNLISTED", "TRANSFER_FEE"} <= set(order.token_warnings[str(TOKEN)])
    await desk.run(bought)
    confirmed = await desk.reaches(bought, "confirmed", "failed")
    assert (confirmed.status, confirmed.error_message) == ("confirmed", None)
    held = await held_of(desk, customer.address)
    assert confirmed.amount_out == held == confirmed.quoted_out
    assert await reserved_for_rents(desk, confirmed) >= int((confirmed.fill or {})["rent_paid"])

    sold = await desk.place(customer, str(TOKEN), "SOL", str(whole(held // 2, 6)))
    await desk.run(sold)
    confirmed = await desk.reaches(sold, "confirmed", "failed")
    assert (confirmed.status, confirmed.error_message) == ("confirmed", None)
    assert await held_of(desk, customer.address) == held - held // 2


async def reserved_for_rents(desk: Desk, order: Order) -> int:
    """Lamports that an order reserved for the accounts that stay the wallet's."""
    async with desk.database.transaction() as session:
        found = select(Reservation).where(Reservation.order_id == order.id, Reservation.mint == order.token_in)
        reserved = (await session.exec(found)).one()
    (attempt,) = await desk.attempts(order.id)
    fees = MAX_TRIES * (SIGNATURE_LAMPORTS + priority_fee(MAX_COMPUTE_UNITS, attempt.compute_unit_price or 0))
    lent = await desk.engine.rents.exemption(TOKEN_ACCOUNT_SIZE)
    return int(reserved.amount - order.amount_in) - fees - lent - await desk.engine.rents.exemption(WALLET_SIZE)


async def held_of(desk: Desk, owner: Pubkey) -> int:
    """Base units of the token that an address holds."""
    return sum(
        account.amount for _, account in await desk.engine.rpc.token_accounts_by_owner(owner) if account.mint == TOKEN
    )
