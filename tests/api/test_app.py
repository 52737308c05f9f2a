"""The application around its routes: health, its document, errors nobody raised on purpose."""

from __future__ import annotations

import re

import httpx
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from engine_app.accounts.service import Accounts
from engine_app.api.requests import METHODS
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.errors import EngineError
from engine_app.telemetry.metrics import HTTP_REQUESTS
from engine_app.wallets.balances import Wallets
from tests.api.conftest import Account
from tests.api.problems import assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_health_needs_nobody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "path",
    ["/api/unknown", "/api/", "/api/orders", "/api/wallet/x", "/api/orders/a/b", "/api/orders/%0A/x", "/api/%0A%00%FF"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "FOO"])
async def test_unknown_addresses_are_json(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert_problem(await client.request(method, path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/api/auth", "POST"),
        ("POST", "/api/health", "GET"),
        ("DELETE", "/api/orders/history", "GET"),
        ("PATCH", "/api/wallet/airdrop", "POST"),
        ("FOO", "/api/orders/history", "GET"),
        ("FOO", "/api/orders/execute", "POST"),
    ],
)
async def test_other_methods_are_told_which(client: httpx.AsyncClient, method: str, path: str, allow: str) -> None:
    answer = await client.request(method, path)
    assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert allow in answer.headers["allow"].split(", ")


async def test_methods_that_a_client_makes_up_are_counted_as_one(client: httpx.AsyncClient) -> None:
    def counted() -> dict[str, float]:
        samples = next(iter(HTTP_REQUESTS.collect())).samples
        return {
            sample.labels["method"]: sample.value
            for sample in samples
            if sample.name == "engine_http_requests_total" and sample.labels["status"] == "404"
        }

    before = counted()
    for number in range(3):
        await client.request(f"MADEUP{number}", "/api/unknown")
    after = counted()
    assert after["other"] == before.get("other", 0) + 3
    assert after.keys() <= {*METHODS, "other"}


async def test_the_document_describes_every_route(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/api/auth",
        "/api/account/keys",
        "/api/account/keys/{keyId}",
        "/api/account/logout",
        "/api/account/logout-everywhere",
        "/api/account/password",
        "/api/account/security-log",
        "/api/account/sessions",
        "/api/account/sessions/{sessionId}",
        "/api/orders/execute",
        "/api/orders/history",
        "/api/orders/history.csv",
        "/api/orders/{orderId}",
        "/api/orders/{orderId}/cancel",
        "/api/wallet",
        "/api/wallet/airdrop",
        "/api/wallet/withdraw",
        "/api/wallet/addresses",
        "/api/wallet/addresses/{address}",
        "/api/tokens",
        "/api/quote",
        "/api/health",
        "/api/ready",
    }
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert schemas["OrderView"]["properties"]["amountIn"] == {"title": "Amountin", "type": "number"}
    assert schemas["ExecuteRequest"]["additionalProperties"] is False
    del document["paths"]["/api/ready"]  # whose 503 is the report that was asked for
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    reference = response["content"]["application/problem+json"]["schema"]["$ref"]
                    assert reference.rpartition("/")[2] in schemas


async def test_the_documents_page_asks_nobody_else(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/docs")
    assert page.status_code == 200
    assert "//" not in page.text
    asked_for = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert "/api/docs/assets/swagger-ui-bundle.js" in asked_for
    for path in asked_for:
        if path != "/favicon.svg":  # the page's own, which the API alone does not serve
            assert (await client.get(path)).status_code == 200
    assert "/api/openapi.json" in page.text
    assert_problem(await client.get("/api/docs/assets/other.js"), 404, "NOT_FOUND")


async def test_the_last_resort_tells_nothing(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Accounts, token: str) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(Accounts, "authenticate", broken)
    with structlog.testing.capture_logs() as logged:
        answer = await client.get("/api/wallet", headers=account.headers)
    assert "secret" not in assert_problem(answer, 500, "INTERNAL")
    failed = next(line for line in logged if line["event"] == "api.failed")
    assert isinstance(failed["exc_info"], RuntimeError)


async def test_a_database_that_is_away_is_told(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Accounts, token: str) -> None:
        raise OperationalError("SELECT", None, Exception("connection refused"))

    monkeypatch.setattr(Accounts, "authenticate", away)
    answer = await client.get("/api/wallet", headers=account.headers)
    assert_problem(answer, 503, "DATABASE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


async def test_trouble_with_a_node_is_told_without_naming_it(
    client: httpx.AsyncClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (RpcUnavailable("http://node.internal: silence"), RpcRefused("getBalance", -32602, "node.internal")):

        async def broken(self: Wallets, user_id: int, error: EngineError = error) -> None:
            raise error

        monkeypatch.setattr(Wallets, "view", broken)
        answer = await client.get("/api/wallet", headers=account.headers)
        assert "internal" not in assert_problem(answer, error.status, error.code)
