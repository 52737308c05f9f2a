"""Users who swap and withdraw all the time, and ask again with the same key where they heard no answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from tests.trading import PASSWORD, Bot

PAIRS = (
    ("SOL", "USDC"), ("USDC", "SOL"), ("SOL", "USDT"), ("USDT", "USDC"), ("SOL", "BONK"), ("BONK", "SOL"),
    ("USDC", "BONK"), ("USDT", "BONK"), ("BONK", "USDT"),
)  # fmt: skip
"""The last three are two hops: their pools pay less, or there are none."""
SLIPPAGE = "0.02"

AMOUNTS = {"SOL": (1, 50), "USDC": (1_000, 5_000), "USDT": (1_000, 5_000), "BONK": (50_000_000, 250_000_000)}
"""Smallest and largest amount, thousandths of a token."""
LARGE = {("SOL", "USDC"): (3_500, 4_500), ("SOL", "USDT"): (3_500, 4_500), ("USDC", "SOL"): (525_000, 675_000)}
"""The same of orders that are split over both exchanges: of SOL and USDC as long as nobody has moved their pools, which
never come back to quite where they were."""
LARGE_SHARE = 0.5
"""Share of large orders among those of their pairs."""

PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class User:
    """A user.

    Attributes:
        address: his wallet's.
        doomed: all his transactions land with an error.
        withdraws: share of his orders that send funds to another user.
        placed: his orders.
        repeated: requests that he sent again.
    """

    bot: Bot
    address: str
    chance: Random
    doomed: bool
    withdraws: float = 0.0
    placed: list[str] = field(default_factory=list)
    repeated: int = 0

    def place_one(self, receivers: Sequence[str]) -> None:
        """Place an order, now and then a withdrawal to one of these addresses, however often it takes."""
        if self.chance.random() < self.withdraws:
            self._withdraw(self.chance.choice([address for address in receivers if address != self.address]))
            return
        token_in, token_out = self.chance.choice(PAIRS)
        large = LARGE.get((token_in, token_out)) if self.chance.random() < LARGE_SHARE else None
        amount = self.chance.randint(*(large or AMOUNTS[token_in]))
        body = {"tokenIn": token_in, "tokenOut": token_out, "amount": f"{amount / 1000:.3f}", "slippage": SLIPPAGE}
        self.placed.append(self._surely("/api/orders/execute", body, timeout=5.0))

    def _withdraw(self, to: str) -> None:
        token = self.chance.choice(list(AMOUNTS))
        amount = self.chance.randint(*AMOUNTS[token])
        body = {"token": token, "amount": f"{amount / 1000:.3f}", "address": to, "password": PASSWORD}
        # The password is hashed each time, which takes its time on a busy machine.
        self.placed.append(self._surely("/api/wallet/withdraw", body, timeout=30.0))

    def _surely(self, path: str, body: dict[str, Any], *, timeout: float) -> str:
        key = uuid4().hex
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self.bot.client.post(path, json=body, headers={"Idempotency-Key": key}, timeout=timeout)
            except httpx.TransportError as error:
                refusal = repr(error)
            else:
                if answer.status_code == 202:
                    return str(answer.json()["orderId"])
                assert answer.status_code >= 500, answer.text
                refusal = answer.text
            assert time.monotonic() < deadline, f"no order could be placed for {PATIENCE_SECONDS} s: {refusal}"
            self.repeated += 1
            time.sleep(PAUSE_SECONDS)


class Crowd:
    """Users who trade at the same time.

    Args:
        users: who.
        orders: how many orders all together place at least.
        pace: orders a second of all together.
    """

    def __init__(self, users: Sequence[User], *, orders: int, pace: float) -> None:
        self.users = users
        self._orders = orders
        self._pause = len(users) / pace
        self._closed = threading.Event()

    @property
    def placed(self) -> int:
        """Orders so far."""
        return sum(len(user.placed) for user in self.users)

    def trade(self, user: User) -> None:
        """Have a user place orders until there are enough and the crowd is closed."""
        while not (self._closed.is_set() and self.has_enough()):
            user.place_one([each.address for each in self.users])
            time.sleep(user.chance.uniform(0, 2 * self._pause))

    def close(self) -> None:
        """Nobody places more than was wanted any longer."""
        self._closed.set()

    def has_enough(self) -> bool:
        """Whether as many orders as wanted were placed."""
        return self.placed >= self._orders
