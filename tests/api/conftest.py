"""The API over its real services: Postgres, Valkey and the local chain; no worker executes here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count

import httpx
import pytest

from engine_app.api.app import create_api
from engine_app.embedded.processes import LocalChain
from engine_app.services import WebServices, running
from engine_app.settings import settings
from engine_app.wallets.stock import AddressStock
from tests.conftest import JWT_SECRET, MNEMONIC

PASSWORD = "correct horse"
_numbers = count(1)


@pytest.fixture
async def services(
    database_url: str, redis_url: str, localnet: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WebServices]:
    """The web process's services, with 20 fresh addresses in stock."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SOLANA_RPC_URL": localnet.rpc_url,
        "SOLANA_WS_URL": localnet.ws_url,
        "JWT_SECRET": JWT_SECRET,
        "ACCOUNTS_PER_IP_HOUR": "1000",
        "AIRDROPS_PER_HOUR": "2",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    async with running() as started:
        await AddressStock(started.database, MNEMONIC, size=20).fill(20)
        yield started
    settings.cache_clear()


@pytest.fixture
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


@pytest.fixture
def new_account(client: httpx.AsyncClient) -> NewAccount:
    """Makes an account over the API."""

    async def make() -> Account:
        name = f"trader {next(_numbers)}"
        answer = await client.post("/api/auth", json={"username": name, "password": PASSWORD, "mode": "create"})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Account(made["userId"], name, {"Authorization": f"Bearer {made['token']}"})

    return make


@pytest.fixture
async def account(new_account: NewAccount) -> Account:
    """An account with a session."""
    return await new_account()
