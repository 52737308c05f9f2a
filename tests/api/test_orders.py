"""Placing orders and looking at them over REST."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from engine_app.services import WebServices
from tests.api.conftest import Account, NewAccount
from tests.api.problems import assert_problem

FIELDS = {
    "orderId", "kind", "tokenIn", "tokenOut", "amountIn", "quotedOut", "minOut", "amountOut", "status", "selectedDex",
    "dexes", "txHash", "executionPrice", "error", "waitingFor", "slippage", "attempts", "createdAt", "updatedAt",
    "expiresAt",
}  # fmt: skip


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def execute(client: httpx.AsyncClient, account: Account, **changed: Any) -> httpx.Response:
    body = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1.5} | changed
    return await client.post("/api/orders/execute", json=body, headers=account.headers)


async def execute_text(client: httpx.AsyncClient, account: Account, body: str) -> httpx.Response:
    headers = {**account.headers, "Content-Type": "application/json"}
    return await client.post("/api/orders/execute", content=body.encode(), headers=headers)


async def count(services: WebServices) -> int:
    async with services.database.connection() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM orders"))).scalar_one())


async def test_an_order_is_accepted_and_shown(client: httpx.AsyncClient, account: Account) -> None:
    accepted = await execute(
        client, account, slippage=0.02, expectedQuote="220.5", validForSeconds=60, minAmountOut="0.000001",
        maxPriceImpact=0.123456789,
    )  # fmt: skip
    assert accepted.status_code == 202
    assert set(accepted.json()) == {"orderId", "status", "socketUrl"}
    assert accepted.json()["status"] == "pending"
    assert accepted.json()["socketUrl"] == "http://engine.example:8443"

    shown = await client.get(f"/api/orders/{accepted.json()['orderId']}", headers=account.headers)
    assert shown.status_code == 200
    order = json.loads(shown.text, parse_float=Decimal)
    assert set(order) >= FIELDS | {"quotes", "events"}
    assert (order["kind"], order["tokenIn"], order["tokenOut"]) == ("swap", "SOL", "USDC")
    assert (order["amountIn"], order["amountInUnits"]) == (Decimal("1.5"), "1500000000")
    assert order["slippage"] == Decimal("0.02")
    assert (order["minAmountOut"], order["minAmountOutUnits"]) == (Decimal("0.000001"), "1")
    assert order["maxPriceImpact"] == Decimal("0.123456789")
    assert order["attempts"] == 0
    for unknown in ("quotedOut", "minOut", "amountOut", "selectedDex", "txHash", "executionPrice", "error"):
        assert order[unknown] is None
    for unknown in ("routing", "execution", "costs"):
        assert order[unknown] is None
    assert order["events"][0]["seq"] == 1
    assert order["createdAt"].endswith("Z")


async def test_the_socket_url_is_the_public_one(
    client: httpx.AsyncClient, account: Account, services: WebServices
) -> None:
    before = services.settings.public_url
    object.__setattr__(services.settings, "public_url", "https://trade.example")
    accepted = await execute(client, account)
    object.__setattr__(services.settings, "public_url", before)
    assert accepted.json()["socketUrl"] == "https://trade.example"


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        ("1", "1000000000"),
        ("1.5", "1500000000"),
        ('"1.5"', "1500000000"),
        ("0.000000001", "1"),
        ("1e-9", "1"),
        ('"1e-9"', "1"),
        ("1.500000000000", "1500000000"),
        ("0.1", "100000000"),
        ("9007199.254740993", "9007199254740993"),
        ("18446744073.709551615", "18446744073709551615"),
    ],
)
async def test_amounts_are_exact(client: httpx.AsyncClient, account: Account, amount: str, units: str) -> None:
    body = f'{{"tokenIn": "SOL", "tokenOut": "USDC", "amount": {amount}}}'
    accepted = await execute_text(client, account, body)
    assert accepted.status_code == 202, accepted.text
    shown = await client.get(f"/api/orders/{accepted.json()['orderId']}", headers=account.headers)
    order = json.loads(shown.text, parse_float=Decimal)
    assert order["amountInUnits"] == units
    assert Decimal(order["amountIn"]).scaleb(9) == int(units)
    assert "e" not in shown.text.partition('"amountIn":')[2].partition(",")[0].lower()


@pytest.mark.parametrize(
    "amount",
    [
        "1.000000000000000001",
        '"1.000000000000000001"',
        "0.0000000001",
        "1e-30",
        "1e30",
        "18446744073.709551616",
        "0",
        "-1",
        '"-1"',
        "-0.0",
        '""',
        '"abc"',
        '"NaN"',
        '"Infinity"',
        '"1,5"',
        '"0x10"',
        '"٣"',
        "true",
        "null",
        "[1]",
        "{}",
        "1e999999",
    ],
)
async def test_other_amounts_are_refused(
    client: httpx.AsyncClient, account: Account, services: WebServices, amount: str
) -> None:
    body = f'{{"tokenIn": "SOL", "tokenOut": "USDC", "amount": {amount}}}'
    before = await count(services)
    assert_problem(await execute_text(client, account, body), 422, "INVALID_AMOUNT")
    assert await count(services) == before


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "1" * 5_000, "0." + "1" * 5_000, "1e99999999999999999999", ".5", "01"]
)
async def test_what_is_no_json_number_is_refused(client: httpx.AsyncClient, account: Account, amount: str) -> None:
    body = f'{{"tokenIn": "SOL", "tokenOut": "USDC", "amount": {amount}}}'
    assert_problem(await execute_text(client, account, body), 422, "INVALID_REQUEST")


@pytest.mark.parametrize("slippage", [0.0001, 0.01, "0.01", 0.4999, 0.123456789])
async def test_slippage_is_a_fraction(client: httpx.AsyncClient, account: Account, slippage: Any) -> None:
    accepted = await execute(client, account, slippage=slippage)
    assert accepted.status_code == 202
    shown = await client.get(f"/api/orders/{accepted.json()['orderId']}", headers=account.headers)
    assert json.loads(shown.text, parse_float=Decimal)["slippage"] == Decimal(str(slippage))


@pytest.mark.parametrize(
    "slippage", [0, 1, 0.5, 0.00009, -0.01, 100, "1%", "", "NaN", True, [], {}, 0.0100000000000001, "9" * 200]
)
async def test_other_slippages_are_refused(client: httpx.AsyncClient, account: Account, slippage: Any) -> None:
    detail = assert_problem(await execute(client, account, slippage=slippage), 422, "INVALID_SLIPPAGE")
    assert "give 0.01 for 1 %" in detail


@pytest.mark.parametrize("impact", [0, "0", -0.1, 0.500000001, 1, 5, "5%", "", "NaN", True, [], {}, 0.0500000000000001])
async def test_a_price_impact_is_a_fraction_too(client: httpx.AsyncClient, account: Account, impact: Any) -> None:
    detail = assert_problem(await execute(client, account, maxPriceImpact=impact), 422, "INVALID_PRICE_IMPACT")
    assert "give 0.05 for 5 %" in detail


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"minAmountOut": 0}, "INVALID_AMOUNT"),
        ({"minAmountOut": "1.0000001"}, "INVALID_AMOUNT"),
        ({"tokenIn": "DOGE"}, "UNKNOWN_TOKEN"),
        ({"tokenOut": "x" * 5_000}, "UNKNOWN_TOKEN"),
        ({"tokenOut": "\x00"}, "UNKNOWN_TOKEN"),
        ({"tokenIn": "usdc"}, "SAME_TOKEN"),
        ({"tokenOut": "So11111111111111111111111111111111111111112"}, "SAME_TOKEN"),
        ({"expectedQuote": 0}, "INVALID_AMOUNT"),
        ({"expectedQuote": "1.0000001"}, "INVALID_AMOUNT"),
        ({"validForSeconds": 4}, "INVALID_VALIDITY"),
        ({"validForSeconds": 3601}, "INVALID_VALIDITY"),
        ({"validForSeconds": 60.5}, "INVALID_VALIDITY"),
        ({"validForSeconds": "60"}, "INVALID_VALIDITY"),
        ({"tokenIn": 5}, "INVALID_REQUEST"),
        ({"tokenIn": None}, "INVALID_REQUEST"),
        ({"side": "buy"}, "INVALID_REQUEST"),
        ({"token_in": "SOL"}, "INVALID_REQUEST"),
    ],
)
async def test_what_can_be_judged_without_the_chain_is_422(
    client: httpx.AsyncClient, account: Account, services: WebServices, changed: dict[str, Any], code: str
) -> None:
    before = await count(services)
    assert_problem(await execute(client, account, **changed), 422, code)
    assert await count(services) == before


async def test_unknown_fields_are_named(client: httpx.AsyncClient, account: Account) -> None:
    detail = assert_problem(await execute(client, account, slipage=0.01), 422, "INVALID_REQUEST")
    assert "slipage" in detail


async def test_lone_surrogates_do_no_harm(client: httpx.AsyncClient, account: Account) -> None:
    for body in ('{"tokenIn": "\\ud800"}', '{"\\ud800": 1}', '"\\ud800"'):
        answer = await execute_text(client, account, body)
        assert answer.status_code == 422
        assert answer.json()["code"]


async def test_tokens_by_mint_and_in_any_case(client: httpx.AsyncClient, account: Account) -> None:
    mint = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    accepted = await execute(client, account, tokenIn=mint, tokenOut="sol", amount=10)
    shown = await client.get(f"/api/orders/{accepted.json()['orderId']}", headers=account.headers)
    assert (shown.json()["tokenIn"], shown.json()["tokenOut"]) == ("USDC", "SOL")


async def test_anothers_order_is_not_found(
    client: httpx.AsyncClient, account: Account, new_account: NewAccount
) -> None:
    order_id = (await execute(client, account)).json()["orderId"]
    other = await new_account()
    for unseen in (order_id, str(uuid4()), "7", "not-an-id", "%00"):
        assert_problem(await client.get(f"/api/orders/{unseen}", headers=other.headers), 404, "ORDER_NOT_FOUND")
    assert (await client.get("/api/orders/history", headers=other.headers)).json() == {
        "orders": [],
        "nextCursor": None,
    }


async def test_history_is_paged_newest_first(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    placed = [(await execute(client, account)).json()["orderId"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for size in (2, 2, 1):
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/orders/history", params=params, headers=account.headers)).json()
        assert len(page["orders"]) == size
        seen += [order["orderId"] for order in page["orders"]]
        cursor = page["nextCursor"]
        assert set(page["orders"][0]) >= FIELDS
    assert cursor is None
    assert seen == placed[::-1]
    assert all(UUID(order_id) for order_id in seen)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "INVALID_REQUEST"),
        ("limit=201", "INVALID_REQUEST"),
        ("limit=many", "INVALID_REQUEST"),
        ("status=done", "INVALID_REQUEST"),
        ("kind=loan", "INVALID_REQUEST"),
        ("token=DOGE", "UNKNOWN_TOKEN"),
        ("from=yesterday", "INVALID_REQUEST"),
        ("from=1767225600", "INVALID_REQUEST"),
        ("to=0", "INVALID_REQUEST"),
        ("from=2026-01-01T00:00:00", "INVALID_REQUEST"),
        ("from=0001-01-01T00:00:00%2B00:01", "INVALID_REQUEST"),
        ("to=9999-12-31T23:59:59-00:01", "INVALID_REQUEST"),
        ("page=2", "INVALID_REQUEST"),
        ("cursor=nonsense", "INVALID_CURSOR"),
        ("cursor=%ff%fe", "INVALID_CURSOR"),
        ("cursor=", "INVALID_CURSOR"),
    ],
)
async def test_odd_pages_are_refused(client: httpx.AsyncClient, account: Account, query: str, code: str) -> None:
    answer = await client.get(f"/api/orders/history?{query}", headers=account.headers)
    assert_problem(answer, 422, code)


async def test_history_can_be_filtered(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    sold = (await execute(client, account)).json()["orderId"]
    bought = (await execute(client, account, tokenIn="USDC", tokenOut="SOL")).json()["orderId"]
    other = (await execute(client, account, tokenIn="USDC", tokenOut="BONK")).json()["orderId"]
    placed_at = (await client.get(f"/api/orders/{bought}", headers=account.headers)).json()["createdAt"]
    expectations: list[tuple[dict[str, Any], list[str]]] = [
        ({"token": "SOL"}, [bought, sold]),
        ({"token": "bonk", "status": ["pending", "failed"]}, [other]),
        ({"status": "confirmed"}, []),
        ({"kind": "transfer"}, []),
        ({"kind": "swap", "limit": 1}, [other]),
        ({"from": placed_at}, [other, bought]),
        ({"to": placed_at}, [sold]),
        ({"to": "0152-04-30T22:15:31-23:40"}, []),
        ({"from": "0152-04-30T22:15:31+16:00", "limit": 1}, [other]),
        ({"search": sold}, [sold]),
        ({"search": "something else"}, []),
    ]
    for query, expected in expectations:
        answer = await client.get("/api/orders/history", params=query, headers=account.headers)
        assert [order["orderId"] for order in answer.json()["orders"]] == expected, query


async def test_a_history_comes_as_csv(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    for amount in ("9007199.254740993", "0.000000001"):
        await execute(client, account, amount=amount)
    answer = await client.get("/api/orders/history.csv", params={"token": "USDC"}, headers=account.headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="orders.csv"'
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [row["amountIn"] for row in rows] == ["0.000000001", "9007199.254740993"]
    nothing = await client.get("/api/orders/history.csv", params={"status": "failed"}, headers=account.headers)
    assert nothing.text.count("\r\n") == 1
    for query, code in (("status=x", "INVALID_REQUEST"), ("limit=5", "INVALID_REQUEST"), ("token=x", "UNKNOWN_TOKEN")):
        refused = await client.get(f"/api/orders/history.csv?{query}", headers=account.headers)
        assert_problem(refused, 422, code)
