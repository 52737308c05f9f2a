"""`/api/account`: password, sessions, API keys, security log; and what a key may do elsewhere."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import PASSWORD, Account, NewAccount
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW = "another horse"


async def log_in(client: httpx.AsyncClient, account: Account, password: str = PASSWORD) -> dict[str, str]:
    """The header of a further session."""
    body = {"username": account.username, "password": password, "mode": "login"}
    answer = await client.post("/api/auth", json=body)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def make_key(client: httpx.AsyncClient, account: Account, *scopes: str, **more: Any) -> dict[str, Any]:
    body = {"name": "bot", "scopes": list(scopes), "password": PASSWORD} | more
    answer = await client.post("/api/account/keys", headers=account.headers, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def test_sessions_are_listed_and_ended(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    other = await log_in(client, account)
    listed = (await client.get("/api/account/sessions", headers=account.headers)).json()["sessions"]
    assert [one["current"] for one in listed] == [False, True]
    assert set(listed[0]) == {"id", "current", "ip", "agent", "createdAt", "expiresAt"}
    assert (listed[0]["ip"], listed[0]["agent"]) == ("192.0.2.1", f"python-httpx/{httpx.__version__}")
    path = f"/api/account/sessions/{listed[0]['id']}"
    stranger = await new_account()
    assert_problem(await client.delete(path, headers=stranger.headers), 404, "SESSION_NOT_FOUND")
    assert (await client.get("/api/wallet", headers=other)).status_code == 200
    assert (await client.delete(path, headers=account.headers)).status_code == 204
    assert_problem(await client.get("/api/wallet", headers=other), 401, "UNAUTHORIZED")
    assert_problem(await client.delete(path, headers=account.headers), 404, "SESSION_NOT_FOUND")
    assert_problem(await client.delete("/api/account/sessions/x", headers=account.headers), 422, "INVALID_REQUEST")


async def test_changing_the_password_and_logging_out(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    other = await log_in(client, account)
    body = {"password": "wrong horse", "newPassword": NEW}
    answer = await client.post("/api/account/password", headers=account.headers, json=body)
    assert_problem(answer, 403, "WRONG_PASSWORD")
    answer = await client.post("/api/account/password", headers=account.headers, json=body | {"password": PASSWORD})
    assert answer.json() == {"sessionsEnded": 1, "warning": None}
    assert answer.headers["device-token"]
    assert_problem(await client.get("/api/wallet", headers=other), 401, "UNAUTHORIZED")
    again = await log_in(client, account, NEW)
    assert (await client.post("/api/account/logout", headers=again)).status_code == 204
    assert_problem(await client.post("/api/account/logout", headers=again), 401, "UNAUTHORIZED")
    answer = await client.post("/api/account/logout-everywhere", headers=account.headers)
    assert answer.json() == {"sessionsEnded": 1}
    assert_problem(await client.get("/api/account/sessions", headers=account.headers), 401, "UNAUTHORIZED")


async def test_a_key_is_told_once_and_can_be_revoked(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    made = await make_key(client, account, "read", days=30)
    assert made["key"].startswith("oek_")
    assert (await client.get("/api/wallet", headers=bearer(made))).status_code == 200
    listed = (await client.get("/api/account/keys", headers=account.headers)).json()["keys"]
    assert [(key["id"], key["hint"], key["scopes"]) for key in listed] == [(made["id"], made["key"][-4:], ["read"])]
    assert listed[0]["lastUsedAt"]
    assert made["key"] not in str(listed)
    path = f"/api/account/keys/{made['id']}"
    stranger = await new_account()
    assert_problem(await client.delete(path, headers=stranger.headers), 404, "API_KEY_NOT_FOUND")
    assert (await client.delete(path, headers=account.headers)).status_code == 204
    assert_problem(await client.get("/api/wallet", headers=bearer(made)), 401, "UNAUTHORIZED")


async def test_a_key_does_what_its_scopes_name(client: httpx.AsyncClient, account: Account) -> None:
    reads, trades = await make_key(client, account, "read"), await make_key(client, account, "trade")
    order = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1}
    for path in ("/api/wallet", "/api/orders/history"):
        assert (await client.get(path, headers=bearer(reads))).status_code == 200
        assert_problem(await client.get(path, headers=bearer(trades)), 403, "SCOPE_MISSING")
    placed = await client.post("/api/orders/execute", headers=bearer(trades), json=order)
    assert placed.status_code == 202
    for path, body in (
        ("/api/orders/execute", order),
        (f"/api/orders/{placed.json()['orderId']}/cancel", None),
        ("/api/wallet/airdrop", None),
    ):
        assert_problem(await client.post(path, headers=bearer(reads), json=body), 403, "SCOPE_MISSING")


async def test_a_key_never_manages_the_account(client: httpx.AsyncClient, account: Account) -> None:
    key = bearer(await make_key(client, account, "read", "trade", "withdraw"))
    document = (await client.get("/api/openapi.json")).json()
    managing = [
        (method, path)
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/api/account/")
    ]
    assert len(managing) >= 9
    for method, path in managing:
        for content in (b"{}", b"{"):
            answer = await client.request(
                method,
                path.replace("{sessionId}", "1").replace("{keyId}", "1"),
                headers=key | {"Content-Type": "application/json"},
                content=content,
            )
            assert_problem(answer, 403, "SESSION_NEEDED")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"scopes": []}, 422, "INVALID_API_KEY_REQUEST"),
        ({"scopes": ["admin"]}, 422, "INVALID_REQUEST"),
        ({"name": ""}, 422, "INVALID_API_KEY_REQUEST"),
        ({"days": 0}, 422, "INVALID_REQUEST"),
        ({"days": "7"}, 422, "INVALID_REQUEST"),
        ({"days": True}, 422, "INVALID_REQUEST"),
        ({"admin": True}, 422, "INVALID_REQUEST"),
        ({"password": "wrong horse"}, 403, "WRONG_PASSWORD"),
    ],
)
async def test_unusable_keys_are_refused(
    client: httpx.AsyncClient, account: Account, changed: dict[str, Any], status: int, code: str
) -> None:
    body = {"name": "bot", "scopes": ["read"], "password": PASSWORD} | changed
    answer = await client.post("/api/account/keys", headers=account.headers, json=body)
    assert_problem(answer, status, code)


async def test_the_security_log_is_read_in_pages(client: httpx.AsyncClient, new_account: NewAccount) -> None:
    account = await new_account()
    await make_key(client, account, "read")
    body = {"username": account.username, "password": "wrong horse", "mode": "login"}
    assert_problem(await client.post("/api/auth", json=body), 401, "WRONG_CREDENTIALS")
    path = "/api/account/security-log"
    first = (await client.get(path, headers=account.headers, params={"limit": 2})).json()
    rest = (await client.get(path, headers=account.headers, params={"cursor": first["nextCursor"]})).json()
    entries = [*first["entries"], *rest["entries"]]
    assert [entry["event"] for entry in entries] == ["login_failed", "api_key_created", "account_created"]
    assert entries[0]["facts"] == {"ip": "192.0.2.1"}
    assert entries[1]["facts"]["name"] == "bot"
    assert rest["nextCursor"] is None
    for query in ({"cursor": "0"}, {"cursor": "x"}, {"limit": 0}, {"limit": 201}):
        assert_problem(await client.get(path, headers=account.headers, params=query), 422, "INVALID_REQUEST")


async def test_a_common_password_is_warned_about(client: httpx.AsyncClient) -> None:
    body = {"username": "frank", "password": "Password123", "mode": "create"}
    answer = await client.post("/api/auth", json=body)
    assert answer.status_code == 201
    assert "tried first" in answer.json()["warning"]
    assert "warning" not in (await client.post("/api/auth", json=body | {"mode": "login"})).json()


async def test_a_known_device_is_let_in_where_strangers_closed_the_name(
    client: httpx.AsyncClient, new_account: NewAccount
) -> None:
    account = await new_account()
    body = {"username": account.username, "password": PASSWORD, "mode": "login"}
    known = {"Device-Token": (await client.post("/api/auth", json=body)).headers["device-token"]}
    for _ in range(10):
        await client.post("/api/auth", json=body | {"password": "wrong horse"})
    assert_problem(await client.post("/api/auth", json=body), 429, "RATE_LIMITED")
    for odd in ("", "x", "a.b.c", account.headers["Authorization"].removeprefix("Bearer ")):
        answer = await client.post("/api/auth", json=body, headers={"Device-Token": odd})
        assert_problem(answer, 429, "RATE_LIMITED")
    answer = await client.post("/api/auth", json=body, headers=known)
    assert answer.status_code == 200
    assert (await client.post("/api/auth", json=body, headers=known)).status_code == 200
