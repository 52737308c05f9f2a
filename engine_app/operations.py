"""What an operator runs from the command line, each command with connections of its own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.execution import outcome
from engine_app.execution.reconcile import Difference, differing_orders, unknown_transactions
from engine_app.settings import ClusterName, SettingsError
from engine_app.storage import deployment
from engine_app.storage.postgres import Database
from engine_app.wallets import repository as wallets


async def reconcile(cluster: ClusterName, database_url: str, rpc_urls: Sequence[str]) -> list[Difference]:
    """Compare every order and every wallet with the chain.

    Raises:
        WrongCluster: the endpoint serves another chain than the database's.
        RpcUnavailable: no node answers.
    """
    database = Database(database_url)
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
        await database.close()


async def explain(database_url: str, address: str, signature: str, note: str) -> None:
    """Record an operator's explanation of a transaction. Raises SettingsError for an address that is no wallet."""
    database = Database(database_url)
    try:
        async with database.transaction() as session:
            if not await wallets.explain(session, address, signature, note):
                raise SettingsError(f"{address} is no wallet of this engine")
    finally:
        await database.close()


async def declare_expired(database_url: str, order_id: UUID, *, operator: str, note: str) -> None:
    """Record an operator's word that an order's transaction never landed. Raises NotUndecided."""
    database = Database(database_url)
    try:
        await outcome.declare_expired(database, order_id, operator=operator, note=note)
    finally:
        await database.close()
