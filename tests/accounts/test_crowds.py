"""A crowd of strangers cannot shut an owner out, and learns nothing from how long an answer takes."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine_app.accounts.passwords import Passwords
from tests.accounts.conftest import IP, PASSWORD, MakeAccounts, outcome

pytestmark = pytest.mark.usefixtures("stock")

ATTEMPTS = 10_000
ATTEMPT_SECONDS = 60
AT_A_TIME = 50
LEAST_PAIRS, MOST_PAIRS = 6, 30
"""The least of each tells what it costs; on a busy machine it may take some to see it."""


async def test_ten_thousand_attempts_in_a_minute_do_not_lock_the_owner_out(
    make: MakeAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = make()
    device = (await accounts.create("alice", PASSWORD, IP)).device_token
    hashed = 0
    matches = Passwords.matches

    async def counted(self: Passwords, *given: object) -> bool:
        nonlocal hashed
        hashed += 1
        return await matches(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Passwords, "matches", counted)
    numbers = iter(range(ATTEMPTS))
    outcomes: dict[str, int] = {}

    async def attack() -> None:
        for number in numbers:
            address = f"198.51.{number % 100}.{number % 251}"
            refused = await outcome(accounts.log_in("ALICE", f"guess {number}", address))
            outcomes[refused] = outcomes.get(refused, 0) + 1

    began = time.monotonic()
    crowd = [asyncio.create_task(attack()) for _ in range(AT_A_TIME)]
    owner = []
    while not all(task.done() for task in crowd):
        opened = await asyncio.wait_for(accounts.log_in("alice", PASSWORD, IP, devices=[device]), 20)
        device = opened.device_token
        owner.append(opened.user_id)
        await asyncio.sleep(0.5)
    await asyncio.gather(*crowd)
    assert time.monotonic() - began < ATTEMPT_SECONDS
    assert outcomes == {"WRONG_CREDENTIALS": 10, "RATE_LIMITED": ATTEMPTS - 10}
    assert hashed == 10 + len(owner)
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "RATE_LIMITED"
    assert await outcome(accounts.log_in("alice", PASSWORD, IP, devices=[device])) == "ok"


async def test_a_known_device_has_a_limit_of_its_own(make: MakeAccounts) -> None:
    accounts = make(login_failures_per_name=2)
    device = (await accounts.create("alice", PASSWORD, IP)).device_token
    other = (await accounts.create("bob", PASSWORD, IP)).device_token
    tries = [await outcome(accounts.log_in("alice", "wrong horse", IP, devices=[other, device])) for _ in range(3)]
    assert tries == ["WRONG_CREDENTIALS", "WRONG_CREDENTIALS", "RATE_LIMITED"]
    assert await outcome(accounts.log_in("alice", PASSWORD, IP)) == "ok"
    for _ in range(2):
        assert await outcome(accounts.log_in("bob", "wrong horse", IP, devices=[device])) == "WRONG_CREDENTIALS"
    assert await outcome(accounts.log_in("bob", PASSWORD, IP, devices=[device])) == "RATE_LIMITED"
    assert await outcome(accounts.log_in("bob", PASSWORD, IP, devices=[other])) == "ok"


async def test_an_unknown_name_and_a_wrong_password_cost_the_same(make: MakeAccounts) -> None:
    accounts = make(login_failures_per_name=MOST_PAIRS + 1, login_failures_per_ip=2 * MOST_PAIRS + 1)
    await accounts.create("alice", PASSWORD, IP)

    async def seconds(name: str) -> float:
        # Of the processor: other work on the machine makes either of them wait.
        began = time.process_time()
        assert await outcome(accounts.log_in(name, "wrong horse", IP)) == "WRONG_CREDENTIALS"
        return time.process_time() - began

    await seconds("nobody")
    pairs: list[tuple[float, float]] = []
    while len(pairs) < MOST_PAIRS:
        pairs.append((await seconds("alice"), await seconds("nobody")))
        wrong, unknown = (min(times) for times in zip(*pairs, strict=True))
        if len(pairs) >= LEAST_PAIRS and wrong == pytest.approx(unknown, rel=0.25):
            return
    pytest.fail(f"one of them costs more: {pairs}")
