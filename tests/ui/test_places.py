"""The navigation's pages are pages of the site, and all of them are kept from who has no session."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine_app.ui.places import PLACES, needs_session, order_in, way_back


@pytest.mark.parametrize("path", [place.address for place in PLACES])
def test_every_place_needs_a_session(path: str) -> None:
    assert needs_session(path)
    assert needs_session(f"{path.rstrip('/')}/")


@pytest.mark.parametrize("path", ["/login/", "/create-account/", "/api/health", "/favicon.svg", "/_event"])
def test_nothing_else_does(path: str) -> None:
    assert not needs_session(path)


def test_a_place_has_one_address() -> None:
    assert len({place.address for place in PLACES}) == len(PLACES)


def test_an_orders_page_has_the_order_in_its_path() -> None:
    order = UUID("5f1c7a8e-0000-4000-8000-000000000001")
    assert order_in(f"/orders/{order}") == order_in(f"/orders/{order}/") == order
    assert needs_session(f"/orders/{order}")
    assert needs_session("/orders/mistyped")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/wallet",
        "/orders/",
        "/orders?status=failed&page=2",
        "/orders/?since=dates&from=2026-01-01T00%3A00%3A00Z&search=a+b",
        "/orders/5f1c7a8e-0000-4000-8000-000000000001",
    ],
)
def test_one_comes_back_to_any_page_of_an_account(path: str) -> None:
    assert way_back(path) == path


@pytest.mark.parametrize("said", ["/?warning=COMMON_PASSWORD", "/account/?done=password", "/account?error=EXPIRED"])
def test_what_a_page_said_once_is_not_said_again(said: str) -> None:
    assert way_back(said) == said.partition("?")[0]


@pytest.mark.parametrize(
    "asked",
    [
        None,
        7,
        ["/wallet"],
        "",
        "wallet",
        "//evil.example",
        "//evil.example/orders",
        "///orders/x",
        "//orders/x",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "https://evil.example/",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/orders/..//evil.example",
        "/orders/%2e%2e%2f",
        "/orders//evil.example",
        "/@evil.example",
        "/orders\r\nSet-Cookie: session=x",
        "/orders?x=\r\nSet-Cookie: session=x",
        "/orders?x=\\\\evil",
        "/orders#//evil.example",
        "/login/?next=/login/",
        "/session/logout",
        "/api/docs",
        "/nowhere",
        "/⁄/evil.example",
        "/orders/" + "a" * 500,
    ],
)
def test_one_comes_back_to_nothing_else(asked: object) -> None:
    assert way_back(asked) == "/"


@pytest.mark.parametrize("path", ["/orders", "/orders/", "/orders/mistyped", "/orders/a.js", "/status/1", "/"])
def test_no_other_path_names_an_order(path: str) -> None:
    assert order_in(path) is None
