"""Any client can call any event of any state with any arguments: what it gets without a session is nothing."""

from __future__ import annotations

import importlib
from uuid import uuid4

import httpx
import pytest
import socketio

from engine_app import errors
from engine_app.ui.states.door import DoorState
from engine_app.ui.states.history import HistoryState
from engine_app.ui.states.orders import OrdersState
from engine_app.ui.states.picker import PickerState
from engine_app.ui.states.session import SessionState
from engine_app.ui.states.swap import SwapState
from tests.conftest import RunningEngine
from tests.trading import PASSWORD, Bot, bot
from tests.ui.conftest import OpenTab

importlib.import_module("engine_app.ui.site")  # makes every state known
STATES: tuple[type, ...] = tuple(SessionState.__subclasses__())
HYDRATE = "reflex___state____state.hydrate_and_load"
FAILED = errors.explain("INTERNAL").happened
REFLEXS_OWN = "setvar"
"""Every state has it: it puts what a client sends into that client's own tab, and tells nothing."""

NOTHING: dict[str, object] = {
    "username": "",
    "signed_in": False,
    "cluster": "",
    "address": "",
    "balances": [],
    "available": {},
    "rows": [],
    "history": [],
    "query": "",
    "token_choices": [],
    "shown": None,
    "sessions": [],
    "keys": [],
    "security_log": [],
    "progress": None,
    "found": [],
    "costs": [],
    "activity": [],
    "book": [],
    "forgotten": "",
    "revoked_name": "",
}
"""What each var is for who is not logged in."""
PAYLOADS: dict[str, dict[str, object]] = {
    "set_amount": {"text": "1.5"},
    "open": {"side": "in"},
    "search": {"text": "us"},
    "take": {"token": "USDC"},
    "take_first": {"text": "sol"},
    "confirm": {"text": "SWAP"},
    "set_slippage": {"text": "0.5"},
    "use_share": {"divisor": 1},
    "set_what": {"token": "USDC"},
    "set_how_much": {"text": "max"},
    "set_to": {"text": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg"},
    "send": {"form": {"amount": "1", "address": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg", "password": "wrong"}},
    "remember": {"form": {"book_address": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg", "password": "wrong"}},
    "forget": {"address": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg"},
    "ask_to_forget": {"address": "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg"},
    "place": {"key": "SOL|USDC|1.5|224|222"},
    "place_despite": {"key": "SOL|USDC|1.5|224|222"},
    "narrow": {"name": "status", "value": "failed"},
    "end_session": {"session_id": 1},
    "revoke_key": {"key_id": 1},
    "ask_to_revoke": {"key_id": 1},
    "create_key": {"form": {"name": "bot", "read": "on", "password": "correct horse battery"}},
}


def event(state: type, name: str) -> str:
    return f"{state.get_full_name()}.{name}"  # type: ignore[attr-defined]


def all_events() -> list[tuple[str, dict[str, object]]]:
    return [
        (event(state, name), dict(PAYLOADS.get(name, {})))
        for state in STATES
        for name in state.event_handlers  # type: ignore[attr-defined]
        if name in vars(state) and name != REFLEXS_OWN
    ]


def cookie_of(account: Bot) -> str:
    """The session cookie that the log-in form gives."""
    form = {"username": account.username, "password": PASSWORD}
    headers = {"Origin": account.base_url}
    answer = httpx.post(f"{account.base_url}/session/login", data=form, headers=headers, timeout=30)
    return f"session={answer.cookies['session']}"


def end_session(account: Bot, cookie: str) -> None:
    """End the session of a cookie, as its owner would from elsewhere."""
    bearer = {"Authorization": f"Bearer {cookie.removeprefix('session=')}"}
    assert account.client.post("/api/account/logout", headers=bearer).status_code == 204


def test_the_list_of_events_is_not_empty() -> None:
    names = {name.rpartition(".")[2] for name, _ in all_events()}
    assert names >= {"enter", "follow", "load", "get_test_funds", "place", "requote", "older", "newer", *PAYLOADS}


@pytest.mark.parametrize("cookie", ["", "session=forged", "session=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
async def test_without_a_session_no_event_tells_anything(open_tab: OpenTab, cookie: str) -> None:
    async with open_tab(cookie=cookie) as tab:
        await tab.send(HYDRATE)
        for name, payload in all_events():
            await tab.send(name, payload)
        await tab.until_redirected(1, "the first event")
        await tab.quiet()
        for var, nothing in NOTHING.items():
            assert all(value == nothing for value in tab.values(var)), var
        assert all(not value["key"] for value in tab.values("quote"))


async def test_with_a_session_the_same_events_tell(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            for name, payload in all_events():
                await tab.send(name, payload)
            assert await tab.until("username", bool) == account.username
            assert await tab.until("address", bool) == account.address()
            assert await tab.until("found", bool)


async def test_once_the_session_has_ended_no_event_tells_or_does_anything(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url) as account:
        cookie = cookie_of(account)
        async with open_tab(cookie=cookie) as tab:
            await tab.send(HYDRATE)
            await tab.until("available", bool)
            await tab.until("paid", lambda token: token["label"])
            await tab.send(event(SwapState, "set_amount"), {"text": "0.25"})
            key = (await tab.until("quote", lambda quote: quote["key"]))["key"]
            end_session(account, cookie)
            await tab.quiet()
            tab.updates.clear()
            for name, payload in all_events():
                if name != event(DoorState, "enter"):
                    before = tab.redirects()
                    await tab.send(name, payload | ({"key": key} if ".place" in name else {}))
                    await tab.until_redirected(before + 1, name)
            await tab.quiet()
            told = [state for update in tab.updates for state in update.get("delta") or {}]
            assert not {event(state, "").removesuffix(".") for state in (*STATES, SessionState)} & set(told)
            tab.updates.clear()
            await tab.send(HYDRATE)
            await tab.until("balances", lambda _: True)
            await tab.quiet()
            for var, nothing in NOTHING.items():
                assert all(value == nothing for value in tab.values(var)), var
            assert all(not value["key"] for value in tab.values("quote"))
        assert account.client.get("/api/orders/history").json()["orders"] == []


async def test_an_open_tab_stops_at_once_when_its_session_ends(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url) as account:
        cookie = cookie_of(account)
        async with open_tab(cookie=cookie) as tab:
            await tab.send(event(OrdersState, "follow"))
            await tab.until("loaded", bool)
            await tab.quiet()
            end_session(account, cookie)
            await tab.until_redirected(1, "follow", seconds=5)
            tab.updates.clear()
            account.wait(account.place(amount="0.01"))
            await tab.quiet()
            assert tab.values("rows") == []


async def test_the_next_user_of_a_tab_sees_nothing_of_the_one_before(engine: RunningEngine, open_tab: OpenTab) -> None:
    token = str(uuid4())
    with bot(engine.base_url) as before, bot(engine.base_url, funded=False) as after:
        async with open_tab(cookie=cookie_of(before), token=token) as tab:
            await tab.send(HYDRATE)
            seen = await tab.until("address", bool)
        async with open_tab(cookie=cookie_of(after), token=token) as tab:
            await tab.send(HYDRATE)
            await tab.until("username", lambda name: name == after.username)
            await tab.until("address", bool)
            assert before.username not in tab.values("username")
            assert seen not in tab.values("address")


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("set_amount", {"text": {"a": [1]}}),
        ("set_amount", {"text": "9" * 5000}),
        ("set_amount", {"text": "NaN"}),
        ("take", {"token": ["SOL"]}),
        ("take", {"token": "NOPE"}),
        ("take_first", {"text": {"a": 1}}),
        ("open", {"side": 7}),
        ("set_slippage", {"text": "-1"}),
        ("set_slippage", {"text": "1e9999999"}),
        ("set_amount", {"text": "\ud800"}),
        ("search", {"text": "\ud800"}),
        ("use_share", {"divisor": "two"}),
        ("place", {"key": 7}),
        ("place_despite", {"key": 7}),
    ],
)
async def test_a_nonsense_argument_changes_nothing(
    engine: RunningEngine, open_tab: OpenTab, name: str, payload: dict[str, object]
) -> None:
    with bot(engine.base_url) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            await tab.send(HYDRATE)
            await tab.until("paid", lambda token: token["label"])
            owner = PickerState if name in vars(PickerState) else SwapState
            await tab.send(event(owner, name), payload)
            await tab.send(event(SwapState, "place"), {"key": ""})
            await tab.send(event(SwapState, "set_slippage"), {"text": "1"})
            await tab.send(event(PickerState, "open"), {"side": "in"})
            await tab.send(event(PickerState, "take"), {"token": "SOL"})
            await tab.send(event(SwapState, "set_amount"), {"text": "0.25"})
            quote = await tab.until("quote", lambda quote: quote["key"].startswith("SOL|USDC|0.25|"))
            assert quote["floor"].endswith("USDC")
            assert FAILED not in repr(tab.updates)
        assert account.client.get("/api/orders/history").json()["orders"] == []


async def test_a_nonsense_filter_fails_nothing(engine: RunningEngine, open_tab: OpenTab) -> None:
    with bot(engine.base_url, funded=False) as account:
        async with open_tab(cookie=cookie_of(account)) as tab:
            for name in (["search"], {"search": 1}, None, "nothing"):
                await tab.send(event(HistoryState, "narrow"), {"name": name, "value": "x"}, path="/orders")
            await tab.send(event(HistoryState, "narrow"), {"name": "search", "value": "\ud800"}, path="/orders")
            await tab.quiet()
            assert "/orders?search=%3F" in repr(tab.updates)
            assert FAILED not in repr(tab.updates)


async def test_a_nonsense_address_of_the_door_fails_nothing(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        path = f"/login?error=RATE_LIMITED&name=%ED%A0%80&retry={'9' * 5_000}"
        await tab.send(event(DoorState, "enter"), path=path)
        await tab.until("problem", bool)
        assert FAILED not in repr(tab.updates)


async def test_an_event_that_is_too_large_ends_its_socket_and_is_not_kept(open_tab: OpenTab) -> None:
    token = str(uuid4())
    async with open_tab(token=token) as tab:
        await tab.send(event(DoorState, "enter"), path=f"/login?name={'z' * 70_000}")
        await tab.ended()
    async with open_tab(token=token) as tab:
        await tab.send(HYDRATE, path="/login")
        await tab.until("is_hydrated", bool)
        assert "zzz" not in repr(tab.updates)


async def test_another_sites_page_cannot_open_the_websocket(open_tab: OpenTab) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        async with open_tab(origin="https://evil.example"):
            pass
