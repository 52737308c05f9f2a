"""How sessions, keys and the security log read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine_app.accounts.models import ApiKey, OpenedSession
from engine_app.accounts.scopes import Scope
from engine_app.accounts.security_log import SecurityEvent, SecurityRecord
from engine_app.ui.account_view import device, key_row, log_row, missing_of_key, session_row

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("", "Unknown client"),
    ],
)
def test_a_client_is_named_as_people_say_it(agent: str, name: str) -> None:
    assert device(agent) == name


def test_the_session_that_asks_is_marked() -> None:
    opened = OpenedSession(
        id=7, token_id="t", user_id=1, ip="192.0.2.1", agent="curl/8", created_at=NOW, expires_at=NOW
    )
    assert session_row(opened, 7).current
    assert not session_row(opened, 8).current


def test_a_key_shows_its_end_and_its_rights_alone() -> None:
    key = ApiKey(id=3, user_id=1, name="bot", digest=b"x" * 32, hint="k3Zq", scopes=["read", "trade"], created_at=NOW)
    row = key_row(key)
    assert (row.hint, row.scopes, row.last_used_at, row.expires_at) == ("oek_…k3Zq", ["Read", "Trade"], "", "")


@pytest.mark.parametrize(
    ("name", "scopes", "missing"),
    [
        ("", [], "Give it a name."),
        ("\u2003", [Scope.READ], "Give it a name."),
        ("bot", [], "Tick at least one right."),
        ("bot", [Scope.READ], ""),
    ],
)
def test_what_a_new_key_lacks_is_asked_for(name: str, scopes: list[Scope], missing: str) -> None:
    assert missing_of_key(name, scopes) == missing


@pytest.mark.parametrize("event", SecurityEvent)
def test_every_event_of_the_log_has_words(event: SecurityEvent) -> None:
    row = log_row(
        SecurityRecord(id=1, user_id=1, at=NOW, event=event.value, facts={"ip": "192.0.2.1", "key": 4}), lambda _: None
    )
    assert row.facts == "from 192.0.2.1 · key 4"
    assert row.label[0].isupper()
    assert "_" not in row.label


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("USDC", "1,012.5 USDC · order 7 · to Cuie…kRQq · from 192.0.2.1"),
        ("NEW", "order 7 · token NEW · amount units 1012500000 · to Cuie…kRQq · from 192.0.2.1"),
    ],
)
def test_a_withdrawal_of_the_log_says_what_went_where(token: str, words: str) -> None:
    facts = {"order": 7, "token": token, "amount_units": "1012500000"}
    facts |= {"destination": "CuieVDEDtLo7FypA9SbLM9saXFdb1dsshEkyErMqkRQq", "ip": "192.0.2.1"}
    event = SecurityEvent.WITHDRAWAL_REQUESTED.value
    row = log_row(SecurityRecord(id=1, user_id=1, at=NOW, event=event, facts=facts), {"USDC": 6}.get)
    assert row.facts == words
