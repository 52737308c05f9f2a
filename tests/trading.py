"""A bot that trades over REST, as tests use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from tests.waiting import wait_until

PASSWORD = "correct horse battery"
FINAL = ("confirmed", "failed")


class Bot:
    """One account and its requests. Numbers come back as text where they have a `…Units` twin; use that."""

    def __init__(self, base_url: str, client: httpx.Client, username: str) -> None:
        self.base_url = base_url
        self.username = username
        self.client = client

    def funds(self, token: str | None = None) -> dict[str, Any]:
        """Get test funds and wait until they are confirmed."""
        answer = self.client.post("/api/wallet/airdrop", json={} if token is None else {"token": token})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def place(self, token_in: str = "SOL", token_out: str = "USDC", amount: object = "1.5", **more: Any) -> str:
        """Place an order; its id."""
        answer = self.client.post(
            "/api/orders/execute", json={"tokenIn": token_in, "tokenOut": token_out, "amount": amount, **more}
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "pending"
        return str(answer.json()["orderId"])

    def order(self, order_id: str) -> dict[str, Any]:
        """The order with its quotes, tries and events."""
        answer = self.client.get(f"/api/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, order_id: str, *, until: tuple[str, ...] = FINAL, seconds: float = 60.0) -> dict[str, Any]:
        """The order once it has one of the statuses; fails where that takes longer than `seconds`."""
        return wait_until(lambda: self.order(order_id), lambda order: order["status"] in until, seconds=seconds)

    def wait_for_event(self, order_id: str, name: str, *, times: int = 1, seconds: float = 60.0) -> dict[str, Any]:
        """The order once an event of this name has happened, so many times."""
        return wait_until(
            lambda: self.order(order_id), lambda order: len(moments(order, name)) >= times, seconds=seconds
        )

    def balances(self) -> dict[str, int]:
        """Base units by symbol."""
        answer = self.client.get("/api/wallet")
        assert answer.status_code == 200, answer.text
        return {balance["token"]: int(balance["amountUnits"]) for balance in answer.json()["balances"]}

    def address(self) -> str:
        """The trading address."""
        answer = self.client.get("/api/wallet")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["address"])


@contextmanager
def bot(base_url: str, *, funded: bool = True, transport: httpx.BaseTransport | None = None) -> Iterator[Bot]:
    """A new account, with test funds unless told otherwise."""
    name = f"bot-{uuid4().hex[:12]}"
    with httpx.Client(base_url=base_url, timeout=30.0, transport=transport) as client:
        answer = client.post("/api/auth", json={"username": name, "password": PASSWORD, "mode": "create"})
        assert answer.status_code == 201, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        made = Bot(base_url, client, name)
        if funded:
            made.funds()
        yield made


def moments(order: dict[str, Any], name: str) -> list[datetime]:
    """When the events of this name happened."""
    return [datetime.fromisoformat(event["at"]) for event in order["events"] if event["name"] == name]
