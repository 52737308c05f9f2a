"""The API over its real services: Postgres, Valkey and the local chain; no worker executes here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count

import httpx
import pytest
import pytest_asyncio

from engine_app.api.app import create_api
from engine_app.embedded.processes import LocalChain
from engine_app.services import WebServices, running
from engine_app.settings import settings
from engine_app.wallets.stock import AddressStock
from tests.conftest import JWT_SECRET, MNEMONIC, plain_environment

PASSWORD = "correct horse"
_numbers = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(
    new_database: Callable[[], str], new_redis: Callable[[], str], localnet: LocalChain
) -> AsyncIterator[WebServices]:
    """The web process's services for all tests of a module, with fresh addresses in stock."""
    environment = {
        "DATABASE_URL": new_database(),
        "REDIS_URL": new_redis(),
        "SOLANA_RPC_URL": localnet.rpc_url,
        "SOLANA_WS_URL": localnet.ws_url,
        "JWT_SECRET": JWT_SECRET,
        "ACCOUNTS_PER_IP_HOUR": "1000",
        "AIRDROPS_PER_HOUR": "2",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - plain_environment().keys():
            patch.delenv(name)
        for name, value in (plain_environment() | environment).items():
            patch.setenv(name, value)
        # Ample for Redis on a busy machine: a request that it is too late for is not counted.
        patch.setattr("engine_app.services.COUNTER_SECONDS", 5.0)
        settings.cache_clear()
        async with running() as started:
            await fill_stock(started)
            yield started
    settings.cache_clear()


async def fill_stock(services: WebServices) -> None:
    """Have 50 fresh addresses in stock, as workers would."""
    await AddressStock(services.database, MNEMONIC, size=50).fill(50)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(services: WebServices) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the API, without a session."""
    transport = httpx.ASGITransport(app=create_api(), raise_app_exceptions=False, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine.example:8443") as opened:
        yield opened


@dataclass(frozen=True)
class Account:
    """An account of the test, with the header that its session needs."""

    user_id: int
    username: str
    headers: dict[str, str]


NewAccount = Callable[[], Awaitable[Account]]


@pytest.fixture(scope="module")
def new_account(client: httpx.AsyncClient) -> NewAccount:
    """Makes an account over the API."""

    async def make() -> Account:
        name = f"trader {next(_numbers)}"
        answer = await client.post("/api/auth", json={"username": name, "password": PASSWORD, "mode": "create"})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Account(made["userId"], name, {"Authorization": f"Bearer {made['token']}"})

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account(new_account: NewAccount) -> Account:
    """An account with a session; the tests of a module share it."""
    return await new_account()
