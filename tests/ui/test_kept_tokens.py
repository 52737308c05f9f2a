"""What Reflex sees of a socket's cookies: a name, and never a token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from engine_app.accounts.tokens import Kind, Tokens, session_tokens
from engine_app.settings import Settings
from engine_app.ui import kept_tokens
from engine_app.ui.kept_tokens import keep, name_of, token_named, without_cookies

PLAIN = Settings(public_url=None)
SECRET, FORMER_SECRET = "n" * 32, "o" * 32
TOKENS = session_tokens((SECRET, FORMER_SECRET), hours=24)
TOKEN = TOKENS.issue(7)
FORGED = {
    "nonsense": "abc.def.ghi",
    "large": "x" * 200_000,
    "another key": session_tokens(("p" * 32,), hours=24).issue(7),
    "another kind": Tokens((SECRET,), kind=Kind.DEVICE, life=timedelta(days=1)).issue(7),
    "expired": TOKENS.issue(7, now=datetime.now(UTC) - timedelta(hours=25)),
    "not ASCII": f"{TOKEN}\u00ff",
}


async def headers_seen(path: str, *cookies: str, kind: str = "websocket") -> dict[str, str]:
    """The headers that the app behind gets."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing() -> Any:
        raise AssertionError("nobody is to read or send")

    sent = [(b"host", b"localhost"), *((b"cookie", cookie.encode("latin-1")) for cookie in cookies)]
    scope = {"type": kind, "path": path, "headers": sent}
    await without_cookies(app, PLAIN, TOKENS)(scope, nothing, nothing)  # type: ignore[arg-type]
    assert scope["headers"] == sent
    return {name.decode(): value.decode() for name, value in seen[0]["headers"]}


async def test_a_socket_comes_with_the_name_of_its_token_alone() -> None:
    for cookies in ((f"session={TOKEN}; device-7=secret; theme=dark",), ("device-7=secret", f"session={TOKEN}")):
        headers = await headers_seen("/_event/", *cookies)
        assert set(headers) == {"host", "cookie"}
        assert TOKEN not in str(headers)
        assert "secret" not in str(headers)
        name = name_of({"headers": headers}, PLAIN)
        assert token_named(name) == TOKEN
        assert len(name) == 64


async def test_a_name_is_no_token() -> None:
    name = keep(TOKEN)
    headers = await headers_seen("/_event/", f"session={name}")
    assert "cookie" not in headers
    assert token_named(name) == TOKEN != name


async def test_a_token_that_the_former_key_signed_is_kept() -> None:
    token = session_tokens((FORMER_SECRET,), hours=24).issue(7)
    headers = await headers_seen("/_event/", f"session={token}")
    assert token_named(name_of({"headers": headers}, PLAIN)) == token


@pytest.mark.parametrize("cookie", FORGED.values(), ids=FORGED.keys())
async def test_what_is_no_sessions_token_is_not_kept(cookie: str) -> None:
    before = dict(kept_tokens._kept)
    assert "cookie" not in await headers_seen("/_event/", f"session={cookie}")
    assert dict(kept_tokens._kept) == before


async def test_nothing_is_kept_for_what_is_no_websocket() -> None:
    token = TOKENS.issue(8)
    before = dict(kept_tokens._kept)
    assert set(await headers_seen("/_event/", f"session={token}", kind="http")) == {"host"}
    assert dict(kept_tokens._kept) == before


@pytest.mark.parametrize("cookies", [(), ("theme=dark",), ("session=",)])
async def test_a_socket_without_a_session_has_none(cookies: tuple[str, ...]) -> None:
    headers = await headers_seen("/_event/", *cookies)
    assert "cookie" not in headers
    assert name_of({"headers": headers}, PLAIN) == ""
    assert token_named("") == ""
    assert name_of({}, PLAIN) == ""


async def test_other_requests_keep_their_cookies() -> None:
    assert (await headers_seen("/session/logout", f"session={TOKEN}"))["cookie"] == f"session={TOKEN}"


def test_what_was_kept_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_tokens, "MOST_KEPT", 2)
    first, second = keep("first"), keep("second")
    assert keep("first") == first
    third = keep("third")
    assert [token_named(name) for name in (first, second, third)] == ["first", "", "third"]
