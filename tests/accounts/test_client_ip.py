"""Whose address a request comes from, with and without proxies between."""

from __future__ import annotations

import httpx
import pytest
import yaml
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from engine_app.accounts.client_ip import behind_proxies, client_ip
from engine_app.embedded.processes import PROJECT
from engine_app.settings import Settings

PROXIES = ("10.0.0.0/8", "2001:db8:1::/48", "198.51.100.7")


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    await PlainTextResponse(f"{client_ip(request)} {request.url.scheme}")(scope, receive, send)


async def told(peer: str, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    """What a request from `peer` with these X-Forwarded-For headers is taken for."""
    headers = [("X-Forwarded-For", value) for value in forwarded] + [("X-Forwarded-Proto", "https")]
    transport = httpx.ASGITransport(app=behind_proxies(tell, trusted), client=(peer, 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine.example") as client:
        return (await client.get("/", headers=headers)).text


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["203.0.113.9, 198.51.100.7, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", ["192.0.2.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["192.0.2.1", "203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.1.2.3", ["[2001:db8:2::9]:4711"], "2001:db8:2::9"),
        ("2001:db8:1::1", ["2001:db8:2::9"], "2001:db8:2::9"),
        ("10.1.2.3", ["192.0.2.1, nonsense"], "nonsense"),
    ],
)
async def test_the_address_left_of_the_trusted_proxies_counts(peer: str, forwarded: list[str], address: str) -> None:
    assert await told(peer, *forwarded) == f"{address} https"


@pytest.mark.parametrize("forwarded", [["203.0.113.9"], ["203.0.113.9, 10.9.9.9"], ["127.0.0.1"]])
async def test_who_is_no_trusted_proxy_cannot_choose_an_address(forwarded: list[str]) -> None:
    assert await told("192.0.2.1", *forwarded) == "192.0.2.1 http"
    assert await told("10.1.2.3", *forwarded, trusted=()) == "10.1.2.3 http"


async def test_a_proxy_that_says_nothing_is_the_client() -> None:
    assert await told("10.1.2.3") == "10.1.2.3 http"


async def test_on_render_the_client_counts_and_not_the_proxies_before_it() -> None:
    blueprint = yaml.safe_load((PROJECT / "render.yaml").read_text())
    web = next(service for service in blueprint["services"] if service["name"] == "order-engine-web")
    (written,) = (variable["value"] for variable in web["envVars"] if variable["key"] == "TRUSTED_PROXIES")
    trusted = Settings.model_validate({"trusted_proxies": written}).trusted_proxies
    assert await told("10.1.2.3", "192.0.2.1, 203.0.113.9, 162.158.7.7, 10.9.9.9", trusted=trusted) == (
        "203.0.113.9 https"
    )
