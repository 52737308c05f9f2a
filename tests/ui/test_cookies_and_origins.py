"""Whose session a tab has, and which pages may use it."""

from __future__ import annotations

import pytest

from engine_app.ui.cookies import session_token
from engine_app.ui.origins import is_own_origin


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
    assert session_token({"headers": {"cookie": header}}) == token


def test_a_tab_without_cookies_has_no_session() -> None:
    assert session_token({}) == ""
    assert session_token({"headers": {}}) == ""


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
    ],
)
def test_only_the_servers_own_pages_count(origin: str, own: bool) -> None:
    assert is_own_origin(origin, ("localhost:8000", ""), "https://trade.example") is own
