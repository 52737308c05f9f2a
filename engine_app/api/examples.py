"""Examples of everything that the API takes and gives, made from the schemas themselves. Pure.

A field's own example comes first, then what `TOLD` tells of its name, then what its schema allows alone. All of them
tell of the same order, so that the document can be read as one story.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine_app.errors import explain

Schema = Mapping[str, Any]

SIGNATURE = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
POOL = "8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj"
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ORDER = "3f2b8c1e-6a5d-4c1b-9a7e-2d4f6b8a0c1e"
LEG = {
    "hop": 1, "pool": POOL, "venue": "raydium_cpmm", "dex": "raydium", "mintIn": SOL, "mintOut": USDC, "share": "1",
    "amountInUnits": "1500000000", "amountOutUnits": "224662500", "exactOut": False,
    "fees": [{"kind": "pool", "mint": SOL, "amountUnits": "3750000"}],
}  # fmt: skip

TOLD: dict[str, Any] = {
    "success": True,
    "userId": 7,
    "username": "alice",
    "mode": "create",
    "warning": None,
    "token": "SOL",
    "symbol": "SOL",
    "decimals": 9,
    "tokenProgram": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "listed": True,
    "warnings": [],
    "priceImpact": 0.0031,
    "ageMs": 120,
    "ageSlots": 0,
    "poolsSearchedSecondsAgo": 12,
    "venuesWithoutSearch": [],
    "tokenIn": "SOL",
    "tokenOut": "USDC",
    "amount": 1.5,
    "amountUnits": "1500000000",
    "available": 1.5,
    "availableUnits": "1500000000",
    "amountIn": 1.5,
    "amountInUnits": "1500000000",
    "quotedOut": 224.6625,
    "quotedOutUnits": "224662500",
    "minOut": 222.415875,
    "minOutUnits": "222415875",
    "minAmountOut": 220,
    "minAmountOutUnits": "220000000",
    "amountOut": 224.6625,
    "amountOutUnits": "224662500",
    "spent": 1.5,
    "spentUnits": "1500000000",
    "expectedQuote": 224.6625,
    "difference": 0,
    "differenceUnits": "0",
    "differenceBps": 0,
    "executionPrice": 149.775,
    "slippage": 0.01,
    "maxPriceImpact": 0.05,
    "validForSeconds": 60,
    "orderId": ORDER,
    "socketUrl": "http://localhost:8000",
    "kind": "swap",
    "status": "confirmed",
    "selectedDex": "raydium",
    "dexes": ["raydium"],
    "raydium": 149.775,
    "meteora": 149.61,
    "txHash": SIGNATURE,
    "signature": SIGNATURE,
    "signatures": [SIGNATURE],
    "search": SIGNATURE,
    "error": None,
    "waitingFor": None,
    "attempts": 1,
    "number": 1,
    "seq": 5,
    "createdAt": "2026-01-31T12:00:00.125Z",
    "updatedAt": "2026-01-31T12:00:00.912Z",
    "expiresAt": "2026-01-31T12:05:00.125Z",
    "finalizedAt": None,
    "verdictAt": None,
    "at": "2026-01-31T12:00:00.912Z",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-02-01T00:00:00Z",
    "name": "confirmed",
    "data": {"slot": 301_234_567, "signature": SIGNATURE},
    "route": [LEG],
    "alternatives": [],
    "candidates": [],
    "refused": [],
    "price": 149.775,
    "bestPoolUnits": "224662500",
    "networkFee": 0.000006,
    "networkFeeUnits": "6000",
    "priorityFee": 0.000001,
    "rentPaid": 0.00203928,
    "rentPaidUnits": "2039280",
    "rentReturned": 0,
    "rentReturnedUnits": "0",
    "computeUnits": 61_234,
    "computeUnitLimit": 70_000,
    "computeUnitPrice": 14_286,
    "lastValidBlockHeight": 280_123_456,
    "observedSlot": 301_234_567,
    "verdict": None,
    "slot": 301_234_567,
    "rpcCalls": {"getMultipleAccounts": 1, "simulateTransaction": 1, "sendTransaction": 1, "getTransaction": 1},
    "address": "7EYnhQoR9YM3N7UoaKRoA44Uy8JeaZV3qyouov87awMs",
    "mint": SOL,
    "destination": None,
    "label": "Ledger",
    "addedAt": "2026-01-30T12:00:00.125Z",
    "usableAt": "2026-01-31T12:00:00.125Z",
    "usable": True,
    "limit": 50,
    "cursor": "MjAyNi0wMS0zMVQxMjowMDowMC4xMjUwMDArMDA6MDB8M2YyYjhjMWUtNmE1ZC00YzFiLTlhN2UtMmQ0ZjZiOGEwYzFl",
    "nextCursor": None,
    "checks": {"postgres": {"status": "ok", "latencyMs": 0.8, "detail": "answers"}},
    "latencyMs": 0.8,
    "detail": "answers",
    "sessionId": 17,
    "keyId": 5,
    "device-token": "the-device-token-of-an-earlier-answer",
    "idempotency-key": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
}
"""Examples by the name of a field or parameter."""


class NoExample(Exception):
    """Nothing tells an example of a field; the message names its place."""


def example_of(schema: Schema, components: Mapping[str, Schema], *, place: str = "") -> Any:
    """An example that a schema allows.

    Args:
        schema: an OpenAPI 3.1 schema.
        components: the schemas that it may refer to, by name.
        place: where it stands, its own name last.

    Raises:
        NoExample: a field in it has none.
    """
    if schema.get("examples"):
        return schema["examples"][0]
    name = place.rpartition(".")[2]
    if name in TOLD and _suits(TOLD[name], schema):
        return TOLD[name]
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, place=place)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return example_of(next((one for one in choices if one.get("type") != "null"), {}), components, place=place)
    if schema.get("properties"):
        parts = schema["properties"].items()
        return {key: example_of(part, components, place=f"{place}.{key}") for key, part in parts}
    if "items" in schema:
        return [example_of(schema["items"], components, place=place)]
    raise NoExample(place)


def _suits(told: Any, schema: Schema) -> bool:
    """Whether what is told of a name fits this field of that name, as far as the schema itself says so."""
    if schema.keys() & {"properties", "$ref", "items"} and not isinstance(told, list):
        return False
    return bool(told == schema.get("const", told) and told in schema.get("enum", (told,)))


def problem_example(status: int, code: str) -> dict[str, Any]:
    """The problem document of a code."""
    told = explain(code)
    return {
        "type": f"urn:order-engine:error:{code}",
        "title": told.happened,
        "status": status,
        "detail": f"{told.happened} {told.next_step}",
        "code": code,
    }
