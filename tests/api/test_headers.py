"""Which headers an answer has, and which inline scripts a policy allows."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import httpx
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp

from engine_app.api.headers import NO_PAGE, inline_script_hashes, page_policy, strict_headers

PAGE = '<script src="/a.js"></script><SCRIPT type="module">let a = "<b>";\n</SCRIPT><script></script><script>1</script>'


def named(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_every_inline_script_is_named_once() -> None:
    assert set(inline_script_hashes([PAGE, PAGE])) == {named('let a = "<b>";\n'), named("1")}
    assert len(inline_script_hashes([PAGE, PAGE])) == 2


def test_a_policy_allows_neither_inline_scripts_nor_evaluation() -> None:
    policy = page_policy(inline_script_hashes([PAGE]))
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src "))
    assert "unsafe" not in scripts
    assert policy.count("unsafe") == 1
    assert named("1") in scripts


async def answered(response: ASGIApp, *, path: str = "/", secure: bool = False) -> httpx.Headers:
    app = strict_headers(response, pages=[PAGE], secure=secure)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://engine.example") as client:
        return (await client.get(path)).headers


@pytest.mark.parametrize(
    ("response", "policy"),
    [
        (lambda: HTMLResponse(PAGE), page_policy(inline_script_hashes([PAGE]))),
        (lambda: JSONResponse({}), NO_PAGE),
        (lambda: Response(b""), NO_PAGE),
        (lambda: Response(status_code=304), None),
        (lambda: HTMLResponse("", headers={"Content-Security-Policy": "default-src *"}), None),
    ],
    ids=["a page", "JSON", "no type", "not modified", "another policy"],
)
async def test_each_kind_of_answer_has_its_policy(response: Callable[[], Response], policy: str | None) -> None:
    made = response()
    found = (await answered(made)).get("content-security-policy")
    if policy is None and made.status_code == 304:
        assert found is None
    else:
        assert found == (policy or page_policy(inline_script_hashes([PAGE])))


async def test_tls_alone_is_asked_for_where_the_site_is_secure() -> None:
    assert "strict-transport-security" not in await answered(JSONResponse({}))
    assert "max-age=31536000" in (await answered(JSONResponse({}), secure=True))["strict-transport-security"]


async def test_answers_of_the_api_are_not_kept_unless_they_say_so() -> None:
    assert (await answered(JSONResponse({}), path="/api/wallet"))["cache-control"] == "no-store"
    kept = JSONResponse({}, headers={"Cache-Control": "max-age=60"})
    assert (await answered(kept, path="/api/wallet"))["cache-control"] == "max-age=60"
    assert "cache-control" not in await answered(JSONResponse({}), path="/css/base.css")
