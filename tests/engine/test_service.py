"""What the running engine says of itself, and what it refuses to read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import RunningEngine
from tests.trading import Bot, bot

LARGE = 64 * 1024 + 1


@pytest.fixture(scope="module")
def penniless(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url, funded=False) as made:
        yield made


def test_it_is_ready(engine: RunningEngine) -> None:
    deadline = time.monotonic() + 30
    while True:
        answer = httpx.get(f"{engine.base_url}/api/ready", timeout=30)
        told = answer.json()
        workers = told["checks"]["workers"]["detail"]
        # A part that takes two seconds is down; a worker that a test has killed counts for a few more.
        if (told["status"] == "ok" and workers.startswith("2 alive")) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert answer.status_code == 200
    assert {name: check["status"] for name, check in told["checks"].items()} == {
        "postgres": "ok", "redis": "ok", "rpc": "ok", "workers": "ok", "orders": "ok"
    }  # fmt: skip
    assert told["status"] == "ok"
    assert workers.startswith("2 alive")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/orders/execute", "application/json"),
        ("/api/auth", "application/json"),
        ("/api/wallet/airdrop", "application/json"),
        ("/api/orders/7/cancel", "application/json"),
        ("/session/login", "application/x-www-form-urlencoded"),
        ("/session/create", "application/x-www-form-urlencoded"),
        ("/session/logout", "application/x-www-form-urlencoded"),
        ("/socket.io/?EIO=4&transport=polling", "text/plain"),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_bodies_have_an_end(engine: RunningEngine, penniless: Bot, path: str, kind: str, announced: bool) -> None:
    body = b"x" * LARGE

    def pieces() -> Iterator[bytes]:
        yield from (body[start : start + 8192] for start in range(0, LARGE, 8192))

    headers = {"Content-Type": kind, "Authorization": penniless.client.headers["Authorization"]}
    content: Any = body if announced else pieces()
    with httpx.Client(base_url=engine.base_url, timeout=30) as client:
        answer = client.post(path, content=content, headers=headers)
        if announced or (path.startswith("/api/") and not path.endswith("cancel")):
            assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
            assert answer.headers["Connection"] == "close"
            assert client.get("/api/health").status_code == 200, "it was asked for on the connection that was dropped"
    assert 400 <= answer.status_code < 500


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value="0.000000001", max_value=20_000_000_000, places=9).map(str),
    st.decimals(min_value=0, max_value=2, places=12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(min_value=-(10**25), max_value=10**25).map(str),
    st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        ["1e-30", "1e30", "NaN", "-1", "1e-9", "9e-10", "00", "0x1", "1_000", "1,5", "", " 1", "1 ", "٣", "½"]
    ),
)


@settings(
    max_examples=200, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(text=NUMBERS, quoted=st.booleans())
def test_an_amount_is_refused_or_taken_to_the_last_digit(penniless: Bot, text: str, quoted: bool) -> None:
    amount = json.dumps(text) if quoted else text
    body = f'{{"tokenIn": "SOL", "tokenOut": "USDC", "amount": {amount}}}'
    headers = {"Content-Type": "application/json"}
    answer = penniless.client.post("/api/orders/execute", content=body.encode(), headers=headers)
    if answer.status_code == 422:
        assert answer.json()["code"] in ("INVALID_AMOUNT", "INVALID_REQUEST")
        return
    assert answer.status_code == 202
    order = penniless.order(answer.json()["orderId"])
    assert int(order["amountInUnits"]) == Decimal(text).scaleb(9)


def test_what_could_be_traded_is_not_refused(penniless: Bot) -> None:
    for text in ("0.000000001", '"1e-9"', "1E1", "0.1000000000000", "18446744073.709551615"):
        body = f'{{"tokenIn": "SOL", "tokenOut": "USDC", "amount": {text}}}'
        answer = penniless.client.post(
            "/api/orders/execute", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("amount", ["0.000123457", "1.23456e-3", "0.0100000000"])
def test_odd_amounts_are_traded_to_the_last_unit(engine: RunningEngine, amount: str) -> None:
    with bot(engine.base_url) as trader:
        before = trader.balances()
        order = trader.wait(trader.place("SOL", "USDC", amount))
        assert order["status"] == "confirmed", order
        after = trader.balances()
        paid = (
            before["SOL"] - after["SOL"] - int(order["costs"]["networkFeeUnits"]) - int(order["costs"]["rentPaidUnits"])
        )
    assert paid == Decimal(amount).scaleb(9)
    assert after["USDC"] - before["USDC"] == int(order["amountOutUnits"])
