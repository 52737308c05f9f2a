"""Tokens and quotes over REST, against the local chain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from engine_app.localnet.seed import raydium_cpmm
from engine_app.localnet.seed.tokens import SOL, USDC
from tests.api.conftest import Account
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

LP_MINT = str(
    raydium_cpmm.find(b"pool_lp_mint", bytes(raydium_cpmm.pool_address(0, *sorted((SOL.mint, USDC.mint), key=bytes))))[
        0
    ]
)
"""A token that nobody lists: the shares of a pool, of which the pool's program makes more at any time."""


def exact(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


async def test_tokens_are_listed_and_searched(client: httpx.AsyncClient, account: Account) -> None:
    listed = exact(await client.get("/api/tokens", headers=account.headers))["tokens"]
    assert [token["symbol"] for token in listed] == ["SOL", "USDC", "USDT", "BONK"]
    assert listed[1] == {
        "symbol": "USDC",
        "name": "USD Coin",
        "mint": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        "decimals": 6,
        "tokenProgram": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "listed": True,
        "warnings": [],
    }
    found = exact(await client.get("/api/tokens", params={"search": "usd"}, headers=account.headers))["tokens"]
    assert [token["symbol"] for token in found] == ["USDC", "USDT"]
    assert exact(await client.get("/api/tokens", params={"search": "doge"}, headers=account.headers)) == {"tokens": []}


async def test_the_list_of_tokens_needs_no_session_and_looks_for_nothing_without_one(client: httpx.AsyncClient) -> None:
    listed = exact(await client.get("/api/tokens"))["tokens"]
    assert [token["symbol"] for token in listed] == ["SOL", "USDC", "USDT", "BONK"]
    nobodys = "3KFBdqmNfQvBTk3bEvDtT2WyFQ6xBWiFfz4Wbn4PyJ8h"
    assert_problem(await client.get("/api/tokens", params={"search": nobodys}), 401, "SEARCH_NEEDS_LOGIN")


async def test_a_quote_needs_no_session_for_what_is_known(client: httpx.AsyncClient) -> None:
    quoted = exact(await client.get("/api/quote", params={"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}))
    assert int(quoted["amountOutUnits"]) > 0
    nobodys = {"tokenIn": "SOL", "tokenOut": "3KFBdqmNfQvBTk3bEvDtT2WyFQ6xBWiFfz4Wbn4PyJ8h", "amount": "1"}
    assert_problem(await client.get("/api/quote", params=nobodys), 401, "SEARCH_NEEDS_LOGIN")


async def test_a_token_that_is_not_listed_carries_warnings_wherever_it_is_named(
    client: httpx.AsyncClient, account: Account
) -> None:
    [token] = exact(await client.get("/api/tokens", params={"search": LP_MINT}, headers=account.headers))["tokens"]
    assert (token["symbol"], token["mint"], token["decimals"], token["listed"]) == (LP_MINT, LP_MINT, 9, False)
    assert [warning["code"] for warning in token["warnings"]] == ["UNLISTED", "MINT_AUTHORITY"]
    assert all(warning["token"] == LP_MINT and warning["text"] for warning in token["warnings"])

    wish = {"tokenIn": LP_MINT, "tokenOut": "SOL", "amount": "0.123456789"}
    placed = await client.post("/api/orders/execute", json=wish, headers=account.headers)
    assert placed.status_code == 202, placed.text
    order = exact(await client.get(f"/api/orders/{placed.json()['orderId']}", headers=account.headers))
    assert (order["tokenIn"], order["amountInUnits"]) == (LP_MINT, "123456789")
    assert order["warnings"] == token["warnings"]
    listed_only = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"}
    placed = await client.post("/api/orders/execute", json=listed_only, headers=account.headers)
    assert exact(await client.get(f"/api/orders/{placed.json()['orderId']}", headers=account.headers))["warnings"] == []

    params = {"tokenIn": LP_MINT, "tokenOut": "SOL", "amount": "1"}
    assert_problem(await client.get("/api/quote", params=params, headers=account.headers), 404, "NO_POOL")
    history = exact(await client.get("/api/orders/history", params={"token": LP_MINT}, headers=account.headers))
    assert [entry["tokenIn"] for entry in history["orders"]] == [LP_MINT]


async def test_a_mint_that_is_none_is_refused_before_anything_is_placed(
    client: httpx.AsyncClient, account: Account
) -> None:
    nothing = "11111111111111111111111111111112"
    order = {"tokenIn": "SOL", "tokenOut": nothing, "amount": "1"}
    assert_problem(await client.post("/api/orders/execute", json=order, headers=account.headers), 422, "UNKNOWN_TOKEN")


async def test_a_quote_says_everything(client: httpx.AsyncClient, account: Account) -> None:
    params = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1.5", "slippage": "0.01"}
    quoted = exact(await client.get("/api/quote", params=params, headers=account.headers))
    assert (quoted["tokenIn"], quoted["amountIn"], quoted["amountInUnits"]) == ("SOL", Decimal("1.5"), "1500000000")
    assert 0 < quoted["priceImpact"] < Decimal("0.05")
    assert sum(int(leg["amountInUnits"]) for leg in quoted["route"]) == 1_500_000_000
    assert {leg["dex"] for leg in quoted["route"]} <= {"raydium", "meteora"}
    assert all(leg["fees"] and leg["hop"] == 1 and not leg["exactOut"] for leg in quoted["route"])
    assert quoted["kind"] in ("pool", "split")
    assert quoted["leftOver"] is None
    assert int(quoted["bestPoolUnits"]) + int(quoted["gainUnits"]) == int(quoted["amountOutUnits"])
    assert abs(quoted["price"] * Decimal("1.5") - quoted["amountOut"]) < Decimal("1e-9")
    assert len(quoted["candidates"]) + len(quoted["refused"]) >= 2
    assert sum(candidate["lost"] is None for candidate in quoted["candidates"]) >= 1
    assert all(candidate["fees"] and candidate["priceImpact"] for candidate in quoted["candidates"])
    assert quoted["warnings"] == []
    assert 0 <= quoted["ageMs"] < 10_000
    assert quoted["ageSlots"] >= 0
    assert 0 <= quoted["poolsSearchedSecondsAgo"] < 300
    assert quoted["venuesWithoutSearch"] == []


async def test_a_quote_names_both_exchanges(client: httpx.AsyncClient, account: Account) -> None:
    # So little that no split is worth its second leg, wherever other tests have moved the pools.
    params = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.01", "slippage": "0.01"}
    quoted = exact(await client.get("/api/quote", params=params, headers=account.headers))
    assert set(quoted) >= {"dexQuotes", "selectedDex", "amountOut", "minOut", "slot"}
    assert set(quoted["dexQuotes"]) == {"raydium", "meteora"}
    best = max(quoted["dexQuotes"].values())
    assert quoted["dexQuotes"][quoted["selectedDex"]] == best
    assert int(quoted["minOutUnits"]) == int(quoted["amountOutUnits"]) * 99 // 100
    assert Decimal(quoted["amountOut"]).scaleb(6) == int(quoted["amountOutUnits"])
    assert abs(best * Decimal("0.01") - quoted["amountOut"]) < Decimal("0.00001")
    assert quoted["slot"] > 0


async def test_a_quote_tells_of_a_split_what_it_gains(client: httpx.AsyncClient, account: Account) -> None:
    params = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "300"}
    quoted = exact(await client.get("/api/quote", params=params, headers=account.headers))
    assert quoted["kind"] == "split"
    assert int(quoted["gainUnits"]) > int(quoted["extraLegCostUnits"]) > 0
    assert sum(int(leg["amountInUnits"]) for leg in quoted["route"]) == 300 * 10**9
    assert abs(sum((Decimal(leg["share"]) for leg in quoted["route"]), Decimal(0)) - 1) < Decimal("1e-8")
    larger = max(quoted["route"], key=lambda leg: int(leg["amountOutUnits"]))
    assert quoted["selectedDex"] == larger["dex"]
    assert all(other["lost"] for other in quoted["alternatives"])


async def test_a_quote_over_a_third_token_tells_what_it_leaves(client: httpx.AsyncClient, account: Account) -> None:
    params = {"tokenIn": "BONK", "tokenOut": "USDT", "amount": "100000", "slippage": "0.01"}
    quoted = exact(await client.get("/api/quote", params=params, headers=account.headers))
    assert (quoted["kind"], quoted["bestPoolUnits"]) == ("two hops", "0")
    first, *second = quoted["route"]
    assert [first["hop"], *{leg["hop"] for leg in second}] == [1, 2]
    assert int(first["amountOutUnits"]) >= sum(int(leg["amountInUnits"]) for leg in second)
    left = quoted["leftOver"]
    assert 0 < int(left["expectedUnits"]) <= int(left["atMostUnits"])
    assert left["mint"] == (first["mintIn"] if first["exactOut"] else first["mintOut"])
    assert sum(int(leg["amountOutUnits"]) for leg in second) == int(quoted["amountOutUnits"])
    assert quoted["candidates"] == []


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"tokenIn": "DOGE"}, 422, "UNKNOWN_TOKEN"),
        ({"tokenOut": "sol"}, 422, "SAME_TOKEN"),
        ({"amount": "1.0000000001"}, 422, "INVALID_AMOUNT"),
        ({"amount": "-1"}, 422, "INVALID_AMOUNT"),
        ({"amount": ""}, 422, "INVALID_AMOUNT"),
        ({"slippage": "0.5"}, 422, "INVALID_SLIPPAGE"),
        ({"slippage": "1 %"}, 422, "INVALID_SLIPPAGE"),
        ({"slipage": "0.01"}, 422, "INVALID_REQUEST"),
        ({"tokenOut": LP_MINT, "amount": "1"}, 404, "NO_POOL"),
    ],
)
async def test_odd_quotes_are_refused(
    client: httpx.AsyncClient, account: Account, changed: dict[str, str], status: int, code: str
) -> None:
    params = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": "1"} | changed
    answer = await client.get("/api/quote", params=params, headers=account.headers)
    assert_problem(answer, status, code)
