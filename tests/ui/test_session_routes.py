"""Opening and closing a session by the page's own forms."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.conftest import RunningEngine
from tests.trading import PASSWORD, bot
from tests.ui.conftest import database_refusing


@pytest.fixture
def client(engine: RunningEngine) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=engine.base_url, timeout=30, headers={"Origin": engine.base_url}) as client:
        yield client


def form(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"username": name, "password": password}


def reason(answer: httpx.Response) -> tuple[str, str]:
    """The page a refused form leads back to, and the code it is told."""
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    return parts.path, parse_qs(parts.query)["error"][0]


def test_a_new_account_is_logged_in_at_once(client: httpx.Client) -> None:
    answer = client.post("/session/create", data=form(f"new-{uuid4().hex[:8]}"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = SimpleCookie(answer.headers.get_list("set-cookie")[0])["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) == 24 * 3600
    device = SimpleCookie(answer.headers.get_list("set-cookie")[1])
    assert all(morsel["httponly"] and name.startswith("device-") for name, morsel in device.items())
    assert client.get("/", follow_redirects=False).status_code == 200


def test_the_cookie_opens_nothing_of_the_api(client: httpx.Client) -> None:
    client.post("/session/create", data=form(f"new-{uuid4().hex[:8]}"))
    assert client.get("/api/wallet").status_code == 401
    assert client.post("/api/account/logout-everywhere").status_code == 401


def test_logging_out_ends_the_session(client: httpx.Client) -> None:
    client.post("/session/create", data=form(f"new-{uuid4().hex[:8]}"))
    bearer = {"Authorization": f"Bearer {client.cookies['session']}"}
    assert client.get("/api/wallet", headers=bearer).status_code == 200
    answer = client.post("/session/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/")
    assert "session" not in client.cookies
    assert client.get("/api/wallet", headers=bearer).status_code == 401
    assert client.post("/session/logout").headers["location"] == "/login/"


def test_a_stranger_is_sent_to_the_log_in_page(client: httpx.Client) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/login/")


def test_a_wrong_password_leads_back_with_the_reason(engine: RunningEngine, client: httpx.Client) -> None:
    with bot(engine.base_url, funded=False) as account:
        answer = client.post("/session/login", data=form(account.username, "not the password"))
    assert reason(answer) == ("/login/", "WRONG_CREDENTIALS")
    assert "session" not in client.cookies
    assert "not" not in answer.headers["location"].lower().replace("not_", "")


def test_a_mistyped_name_does_not_become_an_account(client: httpx.Client) -> None:
    name = f"nobody-{uuid4().hex[:8]}"
    assert reason(client.post("/session/login", data=form(name))) == ("/login/", "WRONG_CREDENTIALS")
    assert client.post("/session/create", data=form(name)).headers["location"] == "/"


def test_a_taken_name_leads_back_with_the_reason(engine: RunningEngine, client: httpx.Client) -> None:
    with bot(engine.base_url, funded=False) as account:
        answer = client.post("/session/create", data=form(account.username.upper()))
    assert reason(answer) == ("/create-account/", "NAME_TAKEN")


@pytest.mark.parametrize(("route", "back"), [("login", "/login/"), ("create", "/create-account/")])
def test_without_the_database_the_form_says_so(
    engine: RunningEngine, client: httpx.Client, route: str, back: str
) -> None:
    with database_refusing(engine.database_url):
        answer = client.post(f"/session/{route}", data=form(f"new-{uuid4().hex[:8]}"))
    assert reason(answer) == (back, "DATABASE_UNAVAILABLE")
    assert "session" not in client.cookies


@pytest.mark.parametrize("data", [{}, {"username": ""}, {"username": "x" * 51, "password": PASSWORD}])
def test_an_unusable_form_leads_back_with_the_reason(client: httpx.Client, data: dict[str, str]) -> None:
    assert reason(client.post("/session/create", data=data))[0] == "/create-account/"


@pytest.mark.parametrize("route", ["login", "create", "logout"])
def test_a_form_that_does_not_say_where_it_comes_from_is_refused(engine: RunningEngine, route: str) -> None:
    answer = httpx.post(f"{engine.base_url}/session/{route}", data=form(f"new-{uuid4().hex[:8]}"))
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
@pytest.mark.parametrize("route", ["login", "create", "logout"])
def test_another_sites_form_is_refused(client: httpx.Client, route: str, origin: str) -> None:
    answer = client.post(f"/session/{route}", data=form(f"new-{uuid4().hex[:8]}"), headers={"Origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_no_other_origin_may_read_answers(client: httpx.Client) -> None:
    answer = client.get("/login/", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_strangers_cannot_shut_a_person_out_of_a_browser_that_is_known(
    engine: RunningEngine, client: httpx.Client
) -> None:
    name = f"new-{uuid4().hex[:8]}"
    client.post("/session/create", data=form(name))
    client.post("/session/logout")
    with httpx.Client(base_url=engine.base_url, timeout=30, headers={"Origin": engine.base_url}) as stranger:
        for _ in range(10):
            stranger.post("/session/login", data=form(name, "not the password"))
        assert reason(stranger.post("/session/login", data=form(name))) == ("/login/", "RATE_LIMITED")
    assert client.post("/session/login", data=form(name)).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/orders/5f1c7a8e-0000-4000-8000-000000000001", "/orders?status=failed"])
def test_a_stranger_comes_to_the_page_that_was_asked_for_after_all(client: httpx.Client, path: str) -> None:
    sent = client.get(path, follow_redirects=False)
    address = urlsplit(sent.headers["location"])
    assert (sent.status_code, address.path, parse_qs(address.query)) == (307, "/login/", {"next": [path]})
    name = f"new-{uuid4().hex[:8]}"
    refused = client.post("/session/login", data=form(name) | {"next": path})
    assert parse_qs(urlsplit(refused.headers["location"]).query)["next"] == [path]
    assert client.post("/session/create", data=form(name) | {"next": path}).headers["location"] == path
    client.post("/session/logout")
    assert client.post("/session/login", data=form(name) | {"next": path}).headers["location"] == path


@pytest.mark.parametrize("hostile", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"])
def test_logging_in_leads_to_no_other_site(client: httpx.Client, hostile: str) -> None:
    name = f"new-{uuid4().hex[:8]}"
    refused = client.post("/session/login", data=form(name) | {"next": hostile})
    assert "evil" not in refused.headers["location"]
    assert client.post("/session/create", data=form(name) | {"next": hostile}).headers["location"] == "/"


def test_a_common_password_is_warned_about(client: httpx.Client) -> None:
    answer = client.post("/session/create", data=form(f"new-{uuid4().hex[:8]}", "password123"))
    assert answer.headers["location"] == "/?warning=COMMON_PASSWORD"
