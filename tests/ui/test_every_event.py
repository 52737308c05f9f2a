"""Every event of every state asks who sends it; all are found in the app's own tree, so a new one is held to it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from reflex.state import BaseState, State

from engine_app.embedded import processes
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from engine_app.storage.postgres import Database
from engine_app.wallets.stock import AddressStock
from tests.conftest import ENGINE_SETTINGS, JWT_SECRET, MNEMONIC, RunningEngine, plain_environment
from tests.digest import digest
from tests.trading import Bot, bot
from tests.ui.conftest import OpenTab, Tab
from tests.ui.test_guards import HYDRATE, cookie_of

REFLEXS_OWN = {
    "hydrate": "sends a tab the state that it has already",
    "hydrate_and_load": "the same, and then what the page loads, each of which asks for itself",
    "set_is_hydrated": "a mark in the tab's own state",
    "setvar": "calls a setter by its name; setters are events, and ask for themselves",
    "on_load_internal": "calls what the page loads, each of which asks for itself",
    "update_vars_internal": "takes in what the browser remembers, which is checked where it is read",
    "handle_frontend_exception": "writes a line into the operator's log",
}
"""Events that Reflex itself brings along, with the reason why anybody may send them."""

ROUTES = {
    "/session/login": "it is where one gets a session; a form of another site's page is refused",
    "/session/create": "the same",
    "/session/logout": "ends the session whose cookie it is sent",
    "/session/logout-everywhere": "ends the sessions of the account whose cookie it is sent",
    "/session/password": "asks for the password; back to the account page whatever it is, or to log in",
    "/session/orders.csv": "tells the orders of the session whose cookie it is sent, and nobody else anything",
    "/ping": "Reflex's own probe; it tells nothing",
    "/_health": "Reflex's own probe; it tells nothing",
    "/_event": "the websocket of the events below; only pages of this site may open it",
}
"""What is served outside `/api` beside the files of the page, with the reason why anybody may ask for it."""

PUBLIC = {
    "enter": "the log-in page is for who has no session; it shows a code's words in the sender's own tab",
}
"""Our own events that anybody may send, with the reason."""


def events() -> Iterator[tuple[type[BaseState], str]]:
    """State and name of every event of the app. Importing its site makes every state known."""
    importlib.import_module("engine_app.ui.site")

    def walk(state: type[BaseState]) -> Iterator[tuple[type[BaseState], str]]:
        yield from ((state, name) for name in state.event_handlers if name in vars(state))
        for child in sorted(state.get_substates(), key=lambda child: child.get_full_name()):
            yield from walk(child)

    return walk(State)


def payload(state: type[BaseState], name: str, text: str) -> dict[str, object]:
    """Arguments for an event: `text` for every parameter."""
    parameters = inspect.signature(state.event_handlers[name].fn).parameters
    return {parameter: text for parameter in parameters if parameter != "self"}


EVENTS = [(state, name) for state, name in events() if name not in REFLEXS_OWN]
GUARDED = [(state, name) for state, name in EVENTS if name not in PUBLIC]


@pytest.fixture(scope="module")
def engine(  # noqa: PLR0917 - what it runs on
    supervisor: BackgroundSupervisor,
    new_database: Callable[[], str],
    new_redis: Callable[[], str],
    localnet: LocalChain,
    page: Callable[[int], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunningEngine:
    """A web process without workers: nothing but what a test sends changes its database."""
    port = free_port()
    endpoints = Endpoints(new_database(), new_redis(), localnet.rpc_url, localnet.ws_url)

    async def fill_stock() -> None:
        database = Database(endpoints.database_url)
        await AddressStock(database, MNEMONIC, size=10).fill(10)
        await database.close()

    supervisor.call(fill_stock())
    own = {"DATA_DIR": str(tmp_path_factory.mktemp("quiet")), "HOST": "127.0.0.1", "PORT": str(port)}
    base = plain_environment() | ENGINE_SETTINGS | endpoints.environment() | own | {"JWT_SECRET": JWT_SECRET}
    web = processes.web(base, page(port), "127.0.0.1", port, name="web-without-workers")
    supervisor.start(web)
    return RunningEngine(
        f"http://localhost:{port}",
        localnet,
        endpoints.database_url,
        endpoints.redis_url,
        "",
        supervisor,
        another_web=nullcontext,
    )


async def send_all(tab: Tab, sent: list[tuple[type[BaseState], str]], text: str) -> None:
    for state, name in sent:
        await tab.send(f"{state.get_full_name()}.{name}", payload(state, name, text))
    await tab.quiet()


def everything(tab: Tab) -> str:
    """All that a tab was sent, as text."""
    return repr(tab.updates)


def test_nothing_else_is_served_outside_the_api() -> None:
    served = importlib.import_module("engine_app.engine_app")
    routes = [*_leaves(served.api.routes), *served.app._api.routes]
    assert {route.path for route in routes if not route.path.startswith(("/api/", "/socket.io"))} == set(ROUTES)


def _leaves(routes: list[Any]) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _leaves(route.original_router.routes)
        else:
            yield route


def test_the_events_are_found() -> None:
    found = {name for _, name in events()}
    assert found >= {*REFLEXS_OWN, *PUBLIC, "follow", "load", "get_test_funds", "place", "requote", "older"}
    assert all(state.__module__.startswith("engine_app.") for state, _ in EVENTS)


@pytest.mark.parametrize("cookie", ["", "session=forged", "ended"])
async def test_without_a_valid_session_every_event_is_refused_and_changes_nothing(
    engine: RunningEngine, open_tab: OpenTab, cookie: str
) -> None:
    with bot(engine.base_url, funded=False) as owner:
        order = owner.place()
        if cookie == "ended":
            cookie = cookie_of(owner)
            bearer = {"Authorization": f"Bearer {cookie.removeprefix('session=')}"}
            assert owner.client.post("/api/account/logout", headers=bearer).status_code == 204
        before = digest(engine.database_url)
        async with open_tab(cookie=cookie) as tab:
            await tab.send(HYDRATE)
            for state, name in GUARDED:
                sent_away = tab.redirects()
                await tab.send(f"{state.get_full_name()}.{name}", payload(state, name, order))
                await tab.until_redirected(sent_away + 1, name)
            await send_all(tab, EVENTS, order)
            assert owner.username not in everything(tab)
            assert owner.address() not in everything(tab)
        assert digest(engine.database_url) == before


async def test_with_another_users_session_nothing_of_an_account_is_told_or_changed(
    engine: RunningEngine, open_tab: OpenTab
) -> None:
    with bot(engine.base_url, funded=False) as victim, bot(engine.base_url, funded=False) as stranger:
        order = victim.place()
        before = digest(engine.database_url, user_id=user_id_of(victim, engine))
        async with open_tab(cookie=cookie_of(stranger)) as tab:
            await tab.send(HYDRATE)
            await tab.until("username", bool)
            await send_all(tab, EVENTS, order)
            assert victim.username not in everything(tab)
            assert victim.address() not in everything(tab)
        assert digest(engine.database_url, user_id=user_id_of(victim, engine)) == before


def user_id_of(account: Bot, engine: RunningEngine) -> int:
    """The account's id in the database."""
    with psycopg.connect(engine.database_url) as connection:
        found: Any = connection.execute("SELECT id FROM users WHERE username = %s", [account.username]).fetchone()
    return int(found[0])
