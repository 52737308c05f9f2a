"""Requests are counted per account and per address, and the answers tell how many are left."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
import pytest_asyncio

from engine_app.services import WebServices
from engine_app.storage.redis import connect
from engine_app.storage.request_counters import Quota, RequestCounters
from tests.api.conftest import Account, NewAccount
from tests.api.problems import assert_problem
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextmanager
def limits(services: WebServices, **changed: int) -> Iterator[None]:
    """Other settings for a while."""
    before = {name: getattr(services.settings, name) for name in changed}
    for name, value in changed.items():
        object.__setattr__(services.settings, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(services.settings, name, value)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _at_the_beginning_of_a_window() -> None:
    """No window ends within a test."""
    left = 10 - time.time() % 10
    if left < 4:
        await asyncio.sleep(left + 0.05)


async def test_an_account_has_so_many_requests(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account, other = await new_account(), await new_account()
    with limits(services, requests_per_account=3):
        for left in (2, 1, 0):
            answer = await client.get("/api/orders/history", headers=account.headers)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-limit"] == "3"
            assert answer.headers["ratelimit-remaining"] == str(left)
            assert answer.headers["ratelimit-policy"] == "3;w=10"
            assert 1 <= int(answer.headers["ratelimit-reset"]) <= 10
        refused = await client.get("/api/orders/history", headers=account.headers)
        assert_problem(refused, 429, "RATE_LIMITED")
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
        assert refused.headers["ratelimit-remaining"] == "0"
        assert (await client.get("/api/orders/history", headers=other.headers)).status_code == 200


async def test_orders_are_counted_apart(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account = await new_account()
    order = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1}
    with limits(services, orders_per_account=2, requests_per_account=5):
        for _ in range(2):
            placed = await client.post("/api/orders/execute", json=order, headers=account.headers)
            assert placed.status_code == 202
        assert_problem(
            await client.post("/api/orders/execute", json=order, headers=account.headers), 429, "RATE_LIMITED"
        )
        answer = await client.get(f"/api/orders/{placed.json()['orderId']}", headers=account.headers)
        assert answer.headers["ratelimit-remaining"] == "4"


async def test_an_address_has_so_many_requests_whoever_sends_them(
    client: httpx.AsyncClient, account: Account, services: WebServices
) -> None:
    used = (await client.get("/api/orders/history")).headers
    spent = int(used["ratelimit-limit"]) - int(used["ratelimit-remaining"])
    with limits(services, requests_per_ip=spent + 2):
        assert_problem(await client.get("/api/orders/history"), 401, "UNAUTHORIZED")
        answer = await client.get("/api/orders/history", headers=account.headers)
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "0")
        for headers in (account.headers, {}):
            assert_problem(await client.get("/api/orders/history", headers=headers), 429, "RATE_LIMITED")
        wanted = {"username": "nobody", "password": "not tried", "mode": "login"}
        assert_problem(await client.post("/api/auth", json=wanted), 429, "RATE_LIMITED")
        assert (await client.get("/api/health")).status_code == 200


@pytest.mark.parametrize("sid", ["", "&sid=", "&sid=&sid="])
async def test_new_sockets_are_counted_for_their_address(
    client: httpx.AsyncClient, services: WebServices, sid: str
) -> None:
    used = (await client.get("/api/orders/history")).headers
    spent = int(used["ratelimit-limit"]) - int(used["ratelimit-remaining"])
    with limits(services, requests_per_ip=spent + 1):
        opened = await client.get(f"/socket.io/?EIO=4&transport=polling{sid}")
        assert opened.status_code == 200
        refused = await client.get(f"/socket.io/?EIO=4&transport=polling{sid}")
        assert_problem(refused, 429, "RATE_LIMITED")
        known = await client.get(f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened.text[1:])['sid']}x")
        assert known.status_code == 400, "one that is open already is not counted"


async def test_quotes_without_a_session_have_a_limit_of_their_own(
    client: httpx.AsyncClient, account: Account, services: WebServices
) -> None:
    params = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}
    with limits(services, quotes_per_ip=2):
        for left in ("1", "0"):
            answer = await client.get("/api/quote", params=params)
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, left)
        assert_problem(await client.get("/api/quote", params=params), 429, "RATE_LIMITED")
        assert (await client.get("/api/quote", params=params, headers=account.headers)).status_code == 200


async def test_without_redis_requests_pass_and_do_not_wait(
    client: httpx.AsyncClient, account: Account, services: WebServices
) -> None:
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    away = connect(f"redis://127.0.0.1:{port}/0", patience=0.5)
    counters, before = RequestCounters(away), services.counters
    object.__setattr__(services, "counters", counters)
    try:
        with limits(services, requests_per_account=1):
            await took_for_20(client, account)
            assert await took_for_20(client, account) < 8, "each of them waited for Redis"
    finally:
        object.__setattr__(services, "counters", before)
    await counters.close()
    await away.aclose()
    silent.close()


async def took_for_20(client: httpx.AsyncClient, account: Account) -> float:
    began = time.monotonic()
    for _ in range(20):
        answer = await client.get("/api/orders/history", headers=account.headers)
        assert answer.status_code == 200
        assert "ratelimit-limit" not in answer.headers
    return time.monotonic() - began


async def test_counting_begins_again_when_redis_is_back(new_redis: Callable[[], str]) -> None:
    redis = connect(new_redis(), patience=0.5)
    counters = RequestCounters(redis)
    quota = Quota("test", 5, 10)
    counted = await counters.count(quota, "one")
    assert counted is not None
    assert (counted.used, counted.remaining, counted.exceeded) == (1, 4, False)
    counters._probe = asyncio.create_task(counters._until_back())
    assert await counters.count(quota, "one") is None
    again = await until(lambda: counters.count(quota, "one"))
    assert again.used == 2
    await counters.close()
    await redis.aclose()
