"""What an operator runs from the command line, each command with connections of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine_app.accounts import upkeep
from engine_app.accounts.upkeep import Reset
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.execution import outcome
from engine_app.execution import redrive as redriving
from engine_app.execution.reconcile import Difference, differing_orders, unknown_transactions
from engine_app.orders import oversight, repository
from engine_app.orders.errors import OrderNotFound
from engine_app.orders.oversight import Story, Stuck
from engine_app.settings import ClusterName, Settings, SettingsError
from engine_app.storage import deployment
from engine_app.storage.postgres import Database
from engine_app.wallets import repository as wallets


async def reconcile(cluster: ClusterName, database_url: str, rpc_urls: Sequence[str]) -> list[Difference]:
    """Compare every order and every wallet with the chain.

    Raises:
        WrongCluster: the endpoint serves another chain than the database's.
        RpcUnavailable: no node answers.
    """
    async with _opened(database_url) as database:
        rpc = Rpc(
            rpc_urls,
            CLUSTERS[cluster],
            expected_genesis=lambda: deployment.remembered_genesis(database),
        )
        try:
            await rpc.start()
            orders = [difference async for difference in differing_orders(database, rpc)]
            return orders + [difference async for difference in unknown_transactions(database, rpc)]
        finally:
            await rpc.close()


async def explain(database_url: str, address: str, signature: str, note: str) -> None:
    """Record an operator's explanation of a transaction. Raises SettingsError for an address that is no wallet."""
    async with _transaction(database_url) as session:
        if not await wallets.explain(session, address, signature, note):
            raise SettingsError(f"{address} is no wallet of this engine")


async def declare_expired(database_url: str, order_id: UUID, *, operator: str, note: str) -> None:
    """Record an operator's word that an order's transaction never landed. Raises NotUndecided."""
    async with _opened(database_url) as database:
        await outcome.declare_expired(database, order_id, operator=operator, note=note)


async def stuck(database_url: str, older_than: timedelta) -> list[Stuck]:
    """Orders that should have moved on, the oldest first."""
    async with _transaction(database_url) as session:
        return await oversight.stuck(session, older_than=older_than)


async def story(database_url: str, order_id: UUID) -> Story:
    """Everything the database knows of an order. Raises OrderNotFound."""
    async with _transaction(database_url) as session:
        found = await oversight.story(session, order_id)
    if found is None:
        raise OrderNotFound(f"there is no order {order_id}")
    return found


async def redrive(database_url: str, order_id: UUID, *, operator: str) -> None:
    """Have an order taken up anew by any worker. Raises NotUnderWay."""
    async with _opened(database_url) as database:
        await redriving.redrive(database, order_id, operator=operator)


async def call_off(database_url: str, *, operator: str) -> int:
    """Ask for every order in flight that nothing more be signed for it; for how many. What is on its way is followed
    to its end."""
    async with _opened(database_url) as database:
        async with database.transaction() as session:
            open_orders = await oversight.not_called_off(session)
        called_off = 0
        for user_id, order_id in open_orders:
            async with database.together() as session:
                called_off += await repository.request_cancel(session, user_id, order_id, operator=operator) is not None
    return called_off


async def pause_intake(database_url: str, why: str | None) -> None:
    """Take no new orders, for this reason, or take them again (None). Raises SettingsError before the first start."""
    async with _transaction(database_url) as session:
        if not await deployment.pause_intake(session, why):
            raise SettingsError("this database has never seen a worker: there is no intake yet")


@asynccontextmanager
async def _opened(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _transaction(database_url: str) -> AsyncIterator[AsyncSession]:
    async with _opened(database_url) as database, database.transaction() as session:
        yield session


async def reset_password(database_url: str, username: str, password: str, settings: Settings) -> Reset | None:
    """Give an account another password and end every other way in; None where there is no such account.

    Raises:
        InvalidUsername, InvalidPassword, CommonPassword: unusable.
    """
    async with _opened(database_url) as database:
        return await upkeep.reset_password(database, username, password, settings)
