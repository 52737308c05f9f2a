"""`POST /api/auth` and the bearer token."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engine_app.services import WebServices
from tests.api.conftest import PASSWORD, fill_stock
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def users(services: WebServices) -> int:
    async with services.database.connection() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM users"))).scalar_one())


async def enter(client: httpx.AsyncClient, username: Any, password: Any = PASSWORD, **more: Any) -> httpx.Response:
    return await client.post("/api/auth", json={"username": username, "password": password, **more})


async def test_create_then_log_in(client: httpx.AsyncClient) -> None:
    made = await enter(client, "Alice", mode="create")
    assert made.status_code == 201
    assert set(made.json()) == {"success", "userId", "username", "token"}
    assert made.json()["success"] is True
    assert isinstance(made.json()["userId"], int)
    again = await enter(client, "aLICE", mode="login")
    assert again.status_code == 200
    assert again.json()["userId"] == made.json()["userId"]
    assert again.json()["username"] == "Alice"
    assert_problem(await enter(client, "ALICE", mode="create"), 409, "NAME_TAKEN")


async def test_without_mode_the_name_decides(client: httpx.AsyncClient) -> None:
    assert (await enter(client, "bob")).status_code == 201
    assert (await enter(client, "Bob")).status_code == 200
    assert_problem(await enter(client, "bob", "wrong horse"), 401, "WRONG_CREDENTIALS")


async def test_log_in_makes_no_account(client: httpx.AsyncClient, services: WebServices) -> None:
    before = await users(services)
    assert_problem(await enter(client, "nobody", mode="login"), 401, "WRONG_CREDENTIALS")
    assert_problem(await enter(client, "nobody", "short", mode="login"), 401, "WRONG_CREDENTIALS")
    assert await users(services) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"username": "", "password": PASSWORD}, "INVALID_USERNAME"),
        ({"username": "x" * 51, "password": PASSWORD}, "INVALID_USERNAME"),
        ({"username": "a\tb", "password": PASSWORD}, "INVALID_USERNAME"),
        ({"username": "carol", "password": "x" * 7}, "INVALID_PASSWORD"),
        ({"username": "carol", "password": "x" * 73}, "INVALID_PASSWORD"),
        ({"username": "carol", "password": "é" * 37}, "INVALID_PASSWORD"),
        ({"username": "carol"}, "INVALID_REQUEST"),
        ({"username": 7, "password": PASSWORD}, "INVALID_REQUEST"),
        ({"username": "carol", "password": PASSWORD, "mode": "register"}, "INVALID_REQUEST"),
        ({"username": "carol", "password": PASSWORD, "admin": True}, "INVALID_REQUEST"),
        ([], "INVALID_REQUEST"),
        (None, "INVALID_REQUEST"),
    ],
)
async def test_unusable_requests(client: httpx.AsyncClient, body: Any, code: str) -> None:
    detail = assert_problem(await client.post("/api/auth", json=body), 422, code)
    assert PASSWORD not in detail


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"not json", b'{"username": NaN}', b"[" * 50_000, b'{"a": 1, "a": 2}', b""]
)
async def test_what_is_no_json_is_told(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/api/auth", content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "INVALID_REQUEST")


async def test_a_form_is_told_to_be_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/auth", data={"username": "carol", "password": PASSWORD})
    assert "application/json" in assert_problem(answer, 422, "INVALID_REQUEST")


async def test_a_body_above_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await enter(client, "carol", "x" * 100_000), 413, "BODY_TOO_LARGE")


async def test_failures_are_limited(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        assert_problem(await enter(client, "dave", "wrong horse", mode="login"), 401, "WRONG_CREDENTIALS")
    answer = await enter(client, "DAVE", "wrong horse", mode="login")
    assert_problem(answer, 429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["retry-after"]) <= 900


async def test_an_empty_stock_is_told(client: httpx.AsyncClient, services: WebServices) -> None:
    async with services.database.connection() as connection:
        await connection.execute(text("DELETE FROM wallets WHERE user_id IS NULL"))
    before = await users(services)
    answer = await enter(client, "erin", mode="create")
    assert_problem(answer, 503, "STOCK_EMPTY")
    assert int(answer.headers["retry-after"]) >= 1
    assert await users(services) == before
    await fill_stock(services)
