"""The wallet and its test funds over REST, against the local chain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engine_app.services import WebServices
from tests.api.conftest import Account, NewAccount
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

BALANCE_FIELDS = {"token", "mint", "amount", "amountUnits", "available", "availableUnits"}


def exact(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


async def test_a_new_wallet_holds_no_sol(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    wallet = exact(await client.get("/api/wallet", headers=account.headers))
    assert set(wallet) == {"address", "balances"}
    assert len(wallet["balances"]) == 1
    assert set(wallet["balances"][0]) == BALANCE_FIELDS
    assert wallet["balances"][0]["token"] == "SOL"
    assert wallet["balances"][0]["amount"] == 0


async def test_test_funds_arrive_confirmed(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    given = exact(await client.post("/api/wallet/airdrop", headers=account.headers))
    assert set(given) == {"signatures", "balances"}
    held = {balance["token"]: balance for balance in given["balances"]}
    assert list(held) == ["SOL", "BONK", "USDC", "USDT"]
    assert held["SOL"]["amountUnits"] == "10000000000"
    assert (held["USDC"]["amount"], held["USDC"]["amountUnits"]) == (1500, "1500000000")
    assert (held["USDT"]["amount"], held["BONK"]["amount"]) == (1500, 75_000_000)
    assert len(set(given["signatures"])) == 4
    wallet = exact(await client.get("/api/wallet", headers=account.headers))
    assert wallet["balances"] == given["balances"]


async def test_one_token_alone_and_the_hourly_limit(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    first = exact(await client.post("/api/wallet/airdrop", json={"token": "sol"}, headers=account.headers))
    assert [balance["token"] for balance in first["balances"]] == ["SOL"]
    second = exact(await client.post("/api/wallet/airdrop", json={"token": "USDC"}, headers=account.headers))
    assert [balance["token"] for balance in second["balances"]] == ["SOL", "USDC"]
    third = await client.post("/api/wallet/airdrop", json={}, headers=account.headers)
    assert_problem(third, 429, "RATE_LIMITED")
    assert 1 <= int(third.headers["retry-after"]) <= 3600
    other = await new_account()
    exact(await client.post("/api/wallet/airdrop", json={"token": "SOL"}, headers=other.headers))


@pytest.mark.parametrize("body", [b"\x00", b"{", b"[]", b'"SOL"', b"\xff", b"7", b"1.5", b"true"])
async def test_a_body_that_is_no_object_is_not_taken_for_none(
    client: httpx.AsyncClient, account: Account, body: bytes
) -> None:
    headers = {**account.headers, "Content-Type": "application/json"}
    answer = await client.post("/api/wallet/airdrop", content=body, headers=headers)
    assert_problem(answer, 422, "INVALID_REQUEST")


async def test_odd_airdrops_are_refused(client: httpx.AsyncClient, account: Account) -> None:
    for body, code in (
        ({"token": "DOGE"}, "UNKNOWN_TOKEN"),
        ({"token": 1}, "INVALID_REQUEST"),
        ({"amount": 1}, "INVALID_REQUEST"),
    ):
        assert_problem(await client.post("/api/wallet/airdrop", json=body, headers=account.headers), 422, code)


async def test_what_an_order_reserved_is_not_available(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    account = await new_account()
    exact(await client.post("/api/wallet/airdrop", json={"token": "SOL"}, headers=account.headers))
    order = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 4}
    placed = await client.post("/api/orders/execute", json=order, headers=account.headers)
    async with services.database.connection() as connection:
        await connection.execute(
            text(
                "INSERT INTO reservations (order_id, mint, wallet_id, amount) "
                "SELECT id, token_in, wallet_id, 4002039280 FROM orders WHERE id = :id"
            ),
            {"id": placed.json()["orderId"]},
        )
    sol = exact(await client.get("/api/wallet", headers=account.headers))["balances"][0]
    assert (sol["amount"], sol["amountUnits"]) == (10, "10000000000")
    assert (sol["available"], sol["availableUnits"]) == (Decimal("5.99796072"), "5997960720")
