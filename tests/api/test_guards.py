"""Every route asks who calls: all of them are found in the application itself, so a new one is held to it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from solders.keypair import Keypair
from starlette.routing import BaseRoute, Mount, Route

from engine_app.accounts.tokens import Kind
from engine_app.api.app import create_api
from engine_app.api.requests import METHODS
from engine_app.services import WebServices
from tests.api.conftest import PASSWORD, Account, NewAccount
from tests.api.problems import assert_problem
from tests.conftest import JWT_SECRET
from tests.digest import digest

PUBLIC = {
    "/api/auth": "it is where one gets a session",
    "/api/health": "the platform's probe has no account, and it tells nothing",
    "/api/ready": "so has the probe of readiness, and it tells of no account",
    "/api/quote": "what it tells is the same for everybody; few are told without a session",
    "/api/tokens": "so is the list of tokens, under the same limit",
    "/api/openapi.json": "the document is the same for everybody",
    "/api/docs": "the document to read",
    "/socket.io": "who connects names a token, and is let in or refused by it: see the tests of the sockets",
    "/api/docs/assets": "files of the package that shows the document",
    "/api/{path:path}": "answers 404 and 405, whatever is asked",
}
"""What may be called without a session, with the reason."""


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every route of the application."""

    def walk(found: list[BaseRoute]) -> Iterator[tuple[str, str]]:
        for route in found:
            if isinstance(route, Mount):
                yield "GET", route.path
            elif isinstance(route, Route):
                yield from ((method, route.path) for method in sorted(route.methods or METHODS) if method != "HEAD")
            else:
                yield from walk(route.original_router.routes)  # type: ignore[attr-defined]

    return walk(create_api().routes)


GUARDED = sorted({route for route in routes() if route[1] not in PUBLIC})


def forged(account: Account) -> dict[str, str]:
    """Authorization headers that nobody may come in with; none at all where one is empty."""
    token = account.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, JWT_SECRET, algorithms=["HS256"], audience=Kind.SESSION.audience)

    def signed(changed: dict[str, Any], key: str | None = JWT_SECRET, algorithm: str = "HS256") -> str:
        return "Bearer " + jwt.encode(changed, key, algorithm=algorithm, headers={"typ": Kind.SESSION.value})

    return {
        "none": "",
        "no scheme": token,
        "basic": f"Basic {token}",
        "empty": "Bearer ",
        "another key": signed(claims, JWT_SECRET + "!"),
        "alg none": signed(claims, None, "none"),
        "expired": signed(claims | {"exp": claims["iat"] - 1}),
        "another account": signed(claims | {"sub": str(account.user_id + 1)}),
        "no such session": signed(claims | {"jti": "AAAAAAAAAAAAAAAAAAAAAA"}),
        "no such key": "Bearer oek_" + "A" * 43,
    }


def test_the_routes_are_found() -> None:
    found = {path for _, path in routes()}
    assert set(PUBLIC) <= found
    assert found >= {"/api/orders/execute", "/api/wallet", "/api/account/keys/{keyId}"}
    assert len(GUARDED) >= 15


@pytest.mark.asyncio(loop_scope="module")
async def test_without_a_valid_session_every_route_refuses_and_changes_nothing(
    client: httpx.AsyncClient, account: Account, services: WebServices
) -> None:
    url = str(services.settings.database_url)
    before = digest(url)
    for method, path in GUARDED:
        for name, header in forged(account).items():
            headers = {"Authorization": header, "Content-Type": "application/json"} if header else {}
            for content in (b"{}", b"{"):
                answer = await client.request(method, re.sub(r"\{.*?\}", "1", path), headers=headers, content=content)
                assert_problem(answer, 401, "UNAUTHORIZED")
                assert answer.headers["www-authenticate"] == "Bearer", name
    assert digest(url) == before


@pytest.mark.asyncio(loop_scope="module")
async def test_with_another_users_session_nothing_of_an_account_is_told_or_changed(
    client: httpx.AsyncClient, new_account: NewAccount, services: WebServices
) -> None:
    url = str(services.settings.database_url)
    victim, stranger = await new_account(), await new_account()
    owned = await what_is_owned(client, victim)
    document = (await client.get("/api/openapi.json")).json()
    before, before_all = digest(url, user_id=victim.user_id), digest(url)
    wallet = await client.get("/api/wallet", headers=victim.headers)
    for method, path in sorted(GUARDED, key=lambda route: "{" not in route[1]):
        names = re.findall(r"\{(\w+)\}", path)
        answer = await client.request(
            method,
            path.format(**{name: owned[name] for name in names}),
            headers=stranger.headers,
            json=example(document, method, path),
        )
        if names:
            assert answer.status_code == 404, (method, path, answer.text)
            assert digest(url) == before_all, (method, path)
        assert victim.username not in answer.text, (method, path)
        assert wallet.json()["address"] not in answer.text, (method, path)
        assert digest(url, user_id=victim.user_id) == before, (method, path)


async def what_is_owned(client: httpx.AsyncClient, account: Account) -> dict[str, str]:
    """By the name that paths give it, one of each thing that belongs to an account. A new name must be added here."""
    order = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1}
    placed = await client.post("/api/orders/execute", headers=account.headers, json=order)
    wanted = {"name": "victim's bot", "scopes": ["read"], "password": PASSWORD}
    key = await client.post("/api/account/keys", headers=account.headers, json=wanted)
    sessions = await client.get("/api/account/sessions", headers=account.headers)
    wallet = str(Keypair().pubkey())
    await client.post("/api/wallet/addresses", headers=account.headers, json={"address": wallet, "password": PASSWORD})
    return {
        "orderId": placed.json()["orderId"],
        "keyId": str(key.json()["id"]),
        "address": wallet,
        "sessionId": str(sessions.json()["sessions"][0]["id"]),
    }


def example(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """A body for a route, of the examples in the document; None where it takes none."""
    operation = document["paths"][path][method.lower()]
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    reference = schema.get("$ref") or next(part["$ref"] for part in schema["anyOf"] if "$ref" in part)
    fields = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
    return {name: field["examples"][0] for name, field in fields.items() if field.get("examples")}
