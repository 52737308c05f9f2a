"""What a page asks for by its own ways counts as the API's requests do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
import socketio
from solders.keypair import Keypair

from engine_app.ui.states.picker import PickerState
from tests.conftest import RunningEngine
from tests.trading import Bot, bot
from tests.ui.conftest import OpenTab
from tests.ui.test_guards import HYDRATE, cookie_of, event
from tests.waiting import until

REQUESTS = 3


@pytest.fixture(scope="module")
def strict_web(engine: RunningEngine) -> Iterator[str]:
    """A web process that takes few requests of an account."""
    with engine.another_web(REQUESTS_PER_ACCOUNT=str(REQUESTS)) as base_url:
        yield base_url


@pytest.fixture
def trader(engine: RunningEngine) -> Iterator[Bot]:
    with bot(engine.base_url, funded=False) as made:
        yield made


async def test_event_sockets_are_counted_for_their_address(engine: RunningEngine, open_tab: OpenTab) -> None:
    with engine.another_web(REQUESTS_PER_IP="3") as base_url:

        async def is_let_in() -> bool:
            try:
                async with open_tab(base_url=base_url) as tab:
                    await tab.send(HYDRATE)
                    await tab.until("is_hydrated", lambda _: True)
            except socketio.exceptions.ConnectionError:
                return False
            return True

        async def is_refused() -> bool:
            return not await is_let_in()

        await until(is_let_in)
        await until(is_refused)
        await until(is_let_in)


def unknown_mint() -> str:
    return str(Keypair().pubkey())


def test_files_of_orders_are_counted_for_their_account(strict_web: str, trader: Bot) -> None:
    cookie = cookie_of(trader)
    answers = [httpx.get(f"{strict_web}/session/orders.csv", headers={"Cookie": cookie}) for _ in range(3 * REQUESTS)]
    assert answers[0].status_code == 200
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {429}
    assert refused[0].json()["code"] == "RATE_LIMITED"
    assert int(refused[0].headers["retry-after"]) >= 1


async def test_searches_of_unknown_mints_are_counted_for_their_account(
    strict_web: str, trader: Bot, open_tab: OpenTab
) -> None:
    async with open_tab(cookie=cookie_of(trader), base_url=strict_web) as tab:
        for _ in range(3 * REQUESTS):
            await tab.send(event(PickerState, "search"), {"text": unknown_mint()})
        trouble = await tab.until("trouble", bool)
        assert trouble.startswith("Too many requests of this kind in a short time. Try again in ")
        await tab.send(event(PickerState, "take"), {"token": unknown_mint()})
        await tab.quiet()
        tab.updates.clear()
        await tab.send(event(PickerState, "search"), {"text": "usdc"})
        assert (await tab.until("found", bool))[0]["label"] == "USDC"
        assert tab.values("trouble")[-1] == ""


async def test_searches_of_listed_tokens_are_not_counted(strict_web: str, trader: Bot, open_tab: OpenTab) -> None:
    async with open_tab(cookie=cookie_of(trader), base_url=strict_web) as tab:
        for _ in range(REQUESTS):
            for text in ("sol", "usdc", "nothing of the kind"):
                await tab.send(event(PickerState, "search"), {"text": text})
                await asyncio.sleep(0.02)
        await tab.quiet()
        assert not any(tab.values("trouble"))
        assert tab.values("found")
