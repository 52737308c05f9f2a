"""Session tokens: what is accepted and what is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.tokens import ISSUER, Kind, Tokens

SECRET = "a secret of thirty-two bytes or more"
DAY = timedelta(hours=24)


@pytest.fixture
def tokens() -> Tokens:
    return made()


def made(*keys: str, kind: Kind = Kind.SESSION) -> Tokens:
    return Tokens(keys or (SECRET,), kind=kind, life=DAY)


def claims(**changed: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    usual = {"iss": ISSUER, "aud": Kind.SESSION.audience, "sub": "7", "jti": "an id", "iat": now, "nbf": now}
    return usual | {"exp": now + DAY} | changed


def signed(changed: dict[str, Any], key: str | None = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(changed, key, algorithm=algorithm, headers={"typ": Kind.SESSION.value} | header)


def test_what_the_other_tests_change_is_accepted_unchanged(tokens: Tokens) -> None:
    assert tokens.read(signed(claims())).token_id == "an id"


def test_an_issued_token_tells_whose_it_is(tokens: Tokens) -> None:
    before = datetime.now(UTC)
    read = tokens.read(tokens.issue(7))
    assert read.user_id == 7
    assert read.expires_at - read.issued_at == DAY
    assert abs(read.issued_at - before) < timedelta(seconds=30)
    assert read.token_id != tokens.read(tokens.issue(7)).token_id


def test_an_expired_token_is_refused(tokens: Tokens) -> None:
    tokens.read(tokens.issue(7, now=datetime.now(UTC) - DAY + timedelta(minutes=5)))
    with pytest.raises(Unauthorized):
        tokens.read(tokens.issue(7, now=datetime.now(UTC) - DAY - timedelta(seconds=1)))


def test_a_token_from_the_future_is_refused(tokens: Tokens) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(tokens.issue(7, now=datetime.now(UTC) + timedelta(minutes=5)))


def test_another_key_is_refused(tokens: Tokens) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(made(SECRET + "!").issue(7))


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_other_algorithms_are_refused(tokens: Tokens, algorithm: str) -> None:
    key = None if algorithm == "none" else SECRET * 2
    forged = signed(claims(), key, algorithm)
    with pytest.raises(Unauthorized):
        tokens.read(forged)


def test_a_token_whose_header_names_no_algorithm_is_refused(tokens: Tokens) -> None:
    _, payload, signature = tokens.issue(7).split(".")
    for header in ({"alg": "none"}, {"alg": "None"}, {"typ": "JWT"}, {"alg": "RS256"}):
        encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        for forged in (f"{encoded}.{payload}.", f"{encoded}.{payload}.{signature}"):
            with pytest.raises(Unauthorized):
                tokens.read(forged)


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"])
def test_each_claim_is_needed(tokens: Tokens, missing: str) -> None:
    partial = claims()
    del partial[missing]
    with pytest.raises(Unauthorized):
        tokens.read(signed(partial))


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "0"},
        {"sub": "-1"},
        {"sub": "1 OR 1=1"},
        {"sub": "٣"},
        {"sub": "9" * 30},
        {"sub": ""},
        {"jti": ""},
        {"exp": "soon"},
        {"exp": 10**30},
        {"iat": "now"},
        {"aud": "another service"},
        {"aud": [Kind.SESSION.audience]},
        {"aud": Kind.DEVICE.audience},
        {"iss": "another service"},
        {"nbf": 2**40},
    ],
)
def test_odd_claims_are_refused(tokens: Tokens, changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(signed(claims(**changed)))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é", "\ud800", "x" * 100_000])
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(text)


def test_a_changed_token_is_refused(tokens: Tokens) -> None:
    head, payload, signature = tokens.issue(7).split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    body["sub"] = "8"
    changed = base64.urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthorized):
        tokens.read(f"{head}.{changed}.{signature}")


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": None}, {"typ": Kind.DEVICE.value}])
def test_another_type_is_refused(tokens: Tokens, header: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(signed(claims(), **header))


def test_a_key_that_the_header_brings_is_not_used(tokens: Tokens) -> None:
    own = base64.urlsafe_b64encode(b"the forger's own key, thirty-two bytes").rstrip(b"=").decode()
    brought: dict[str, Any] = {
        "jwk": {"kty": "oct", "k": own},
        "jku": "https://evil.example/keys",
        "kid": "../../dev/null",
    }
    with pytest.raises(Unauthorized):
        tokens.read(signed(claims(), "the forger's own key, thirty-two bytes", **brought))
    assert tokens.read(signed(claims(), **brought)).user_id == 7


def test_no_kind_stands_for_another(tokens: Tokens) -> None:
    devices = made(kind=Kind.DEVICE)
    with pytest.raises(Unauthorized):
        tokens.read(devices.issue(7))
    with pytest.raises(Unauthorized):
        devices.read(tokens.issue(7))


def test_a_new_key_takes_over_while_tokens_of_the_old_one_hold(tokens: Tokens) -> None:
    new_key = "another secret of thirty-two bytes or more"
    both = made(new_key, SECRET)
    assert both.read(tokens.issue(7)).user_id == 7
    assert made(new_key).read(both.issue(8)).user_id == 8
    with pytest.raises(Unauthorized):
        made(new_key).read(tokens.issue(7))
