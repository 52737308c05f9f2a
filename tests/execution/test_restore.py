"""The drill: the database is lost, an old backup and the mnemonic are what is left."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from mnemonic import Mnemonic
from psycopg import sql

from engine_app import operations
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from engine_app.markets.tokens import TokenList, TokenLookup
from engine_app.orders.errors import WalletStopped
from engine_app.orders.progress import ProgressPublisher
from engine_app.orders.service import Orders, PlaceSwap
from engine_app.settings import Settings
from engine_app.storage import deployment
from engine_app.storage.deployment import WrongDeployment
from engine_app.storage.postgres import Database
from engine_app.storage.redis import connect
from engine_app.wallets import repository as wallets
from engine_app.wallets.derivation import fingerprint, keypair_at, seed_of
from tests.conftest import MNEMONIC
from tests.execution.conftest import Customer, Desk
from tests.waiting import until


@pytest.fixture(scope="module")
def chain(localnet: LocalChain) -> LocalChain:
    """The session's chain, whose slots are final within two seconds."""
    return localnet


@pytest.fixture
def restored_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a database that does not exist yet."""
    yield postgres_server.url("restored")
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")


def run(server: Postgres, program: str, *arguments: str) -> None:
    """One of Postgres's own programs; fails where it does."""
    done = subprocess.run([server.programs / program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def back_up(server: Postgres, url: str, file: Path) -> None:
    run(server, "pg_dump", "--format=custom", f"--file={file}", url)


def restore(server: Postgres, file: Path, url: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(url.rpartition("/")[2])))
    run(server, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(file))


async def traded(desk: Desk, customer: Customer) -> str:
    """An order's transaction, final."""
    order_id = await desk.place(customer, "SOL", "USDC", "1")
    await desk.run(order_id)
    await desk.reaches(order_id, "confirmed")

    async def final() -> bool:
        return (await desk.order(order_id)).finalized_at is not None

    await until(final)
    return str((await desk.order(order_id)).tx_hash)


async def test_after_an_old_backup_a_wallet_that_traded_since_is_stopped_until_it_is_explained(  # noqa: PLR0917
    desk: Desk, database_url: str, redis_url: str, restored_url: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    busy, idle = await desk.customer(), await desk.customer()
    await traded(desk, busy)
    back_up(postgres_server, database_url, tmp_path / "engine.dump")
    lost = await traded(desk, busy)
    restore(postgres_server, tmp_path / "engine.dump", restored_url)

    rpc_urls = desk.engine.settings.solana_rpc_url
    differences = await operations.reconcile("localnet", restored_url, rpc_urls)
    assert [(found.subject, found.signature) for found in differences] == [(str(busy.address), lost)]
    database, redis = Database(restored_url), connect(redis_url)
    tokens = TokenList(desk.engine.cluster)
    lookup = TokenLookup(tokens, desk.engine.rpc, allow_unlisted=False)
    orders = Orders(database, lookup, Settings(), ProgressPublisher(redis, tokens))
    try:
        swap = PlaceSwap("SOL", "USDC", "1")
        with pytest.raises(WalletStopped):
            await orders.place(busy.user_id, swap)
        assert (await orders.place(idle.user_id, swap)).status == "pending"
        await operations.explain(restored_url, str(busy.address), lost, "a swap after the backup")
        assert await operations.reconcile("localnet", restored_url, rpc_urls) == []
        assert (await orders.place(busy.user_id, swap)).status == "pending"
    finally:
        await redis.aclose()
        await database.close()


async def test_the_mnemonic_alone_gives_every_address_back_and_no_other_will_do(
    desk: Desk, database_url: str, restored_url: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    customer = await desk.customer()
    back_up(postgres_server, database_url, tmp_path / "engine.dump")
    restore(postgres_server, tmp_path / "engine.dump", restored_url)
    database = Database(restored_url)
    try:
        async with database.transaction() as session:
            wallet = await wallets.wallet_of_user(session, customer.user_id)
        assert keypair_at(seed_of(MNEMONIC), wallet.derivation_index).pubkey() == customer.address
        await deployment.remember_mnemonic(database, fingerprint(MNEMONIC))
        with pytest.raises(WrongDeployment, match="not the one this database was started with"):
            await deployment.remember_mnemonic(database, fingerprint(str(Mnemonic("english").generate(256))))
    finally:
        await database.close()
