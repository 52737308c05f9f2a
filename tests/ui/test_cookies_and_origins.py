"""Whose session a tab has, and which pages may use it."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from engine_app.accounts.origins import is_own_form, is_own_origin
from engine_app.settings import Settings
from engine_app.ui.cookies import device_tokens, forget_session, session_cookie, set_device, set_session

PLAIN = Settings(public_url=None)
SECURE = Settings(public_url="https://trade.example")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("session=abc.def.ghi", "abc.def.ghi"),
        ("theme=dark; session=abc; other=1", "abc"),
        ("", ""),
        ("sessions=abc", ""),
        ("session=", ""),
    ],
)
def test_the_session_is_found_among_the_cookies(header: str, token: str) -> None:
    assert session_cookie(header, PLAIN) == token


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://localhost:8000", True),
        ("https://trade.example", True),
        ("http://localhost:8001", False),
        ("https://evil.example", False),
        ("https://trade.example.evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
        ("http://[::1", False),
        ("http://a]b", False),
    ],
)
def test_only_the_servers_own_pages_count(origin: str, own: bool) -> None:
    assert is_own_origin(origin, ("localhost:8000", ""), "https://trade.example") is own


def test_where_cookies_are_secure_only_the_hosts_own_counts() -> None:
    assert session_cookie("session=planted", SECURE) == ""
    assert session_cookie("session=planted; __Host-session=own", SECURE) == "own"
    cookies = {"device-7": "planted", "__Host-device-7": "own", "__Host-session": "other"}
    assert device_tokens(cookies, SECURE) == ["own"]
    assert device_tokens(cookies, PLAIN) == ["planted"]


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({}, False),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "same-site"}, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://["}, False),
        ({"referer": "http://localhost:8000/login/"}, False),
    ],
)
def test_a_form_needs_the_browsers_word_that_our_page_sent_it(headers: dict[str, str], own: bool) -> None:
    assert is_own_form({"host": "localhost:8000", **headers}, None) is own


@pytest.mark.parametrize("settings", [SECURE, Settings(engine_env="production", public_url=None)])
def test_in_production_cookies_are_the_hosts_own_and_go_over_tls_alone(settings: Settings) -> None:
    response = Response()
    set_session(response, "token", settings)
    set_device(response, 7, "proof", settings)
    forget_session(response, settings)
    cookies = [value.decode() for name, value in response.raw_headers if name == b"set-cookie"]
    assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-session", "__Host-device-7", "__Host-session"]
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= attributes
        assert not [attribute for attribute in attributes if attribute.startswith("domain")]
