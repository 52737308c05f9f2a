"""At most one call at a time per key."""

from __future__ import annotations

import asyncio

import pytest

from engine_app.chain.in_flight import InFlight


class Calls:
    """Counts calls and lets them end when told."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def answer(self) -> int:
        self.begun += 1
        number = self.begun
        await self.go.wait()
        return number

    async def fail(self) -> int:
        await self.go.wait()
        raise ConnectionError("no answer")


async def test_who_asks_meanwhile_gets_the_same_answer() -> None:
    in_flight: InFlight[str, int] = InFlight()
    calls = Calls()
    same = [asyncio.create_task(in_flight.share("a", calls.answer)) for _ in range(5)]
    other = asyncio.create_task(in_flight.share("b", calls.answer))
    await asyncio.sleep(0)
    calls.go.set()
    assert await asyncio.gather(*same, other) == [1, 1, 1, 1, 1, 2]
    assert await in_flight.share("a", calls.answer) == 3


async def test_everyone_hears_of_a_failure_and_the_next_begins_anew() -> None:
    in_flight: InFlight[str, int] = InFlight()
    calls = Calls()
    calls.go.set()
    failed = await asyncio.gather(*(in_flight.share("a", calls.fail) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in failed] == ["no answer"] * 3
    assert await in_flight.share("a", calls.answer) == 1


async def test_closing_cancels_what_is_under_way() -> None:
    in_flight: InFlight[str, int] = InFlight()
    asking = asyncio.create_task(in_flight.share("a", Calls().answer))
    await asyncio.sleep(0)
    await in_flight.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
