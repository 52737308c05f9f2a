"""Password rules and hashes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine_app.accounts.errors import InvalidPassword
from engine_app.accounts.passwords import Passwords, require_usable


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    hashes = Passwords(cost=12)
    yield hashes
    hashes.close()


@pytest.mark.parametrize("password", ["x" * 8, "x" * 72, "é" * 36, "🔑🔑", "pass\x00word"])
def test_eight_to_seventy_two_bytes_are_usable(password: str) -> None:
    require_usable(password)


@pytest.mark.parametrize("password", ["", "x" * 7, "x" * 73, "é" * 37, "\ud800" * 8])
def test_other_lengths_are_refused(password: str) -> None:
    with pytest.raises(InvalidPassword):
        require_usable(password)


async def test_a_hash_matches_its_password_alone(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse 🐎")
    assert stored.startswith("$2b$12$")
    assert await passwords.matches("correct horse 🐎", stored)
    assert not await passwords.matches("correct horse", stored)
    assert not await passwords.matches("correct horse 🐎", None)
    assert not await passwords.matches("\ud800", stored)


async def test_a_longer_password_is_not_cut_to_match(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 72)
    assert not await passwords.matches("x" * 73, stored)


async def test_the_event_loop_goes_on_while_hashing(passwords: Passwords) -> None:
    hashing = asyncio.create_task(passwords.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
