"""What the server knows of a browser tab: whether it is connected, and whose session its state belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any

from reflex.app import App
from reflex.event import Event
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, State, StateUpdate
from reflex_base.registry import RegistrationContext

from engine_app.settings import settings
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.ui import kept_tokens, sent
from engine_app.ui.states.session import SessionState

HEARTBEAT_SECONDS = 15.0
HYDRATES = tuple(f"{State.get_full_name()}.{name}" for name in ("hydrate", "hydrate_and_load"))
"""The events that send a tab all of its state."""
REMEMBERED = "vars"
"""The parameter of Reflex's events that bring what the browser remembers: values by the names of their vars."""
LONGEST_REMEMBERED = 200
"""Characters of what a browser says that it remembers; the longest text it is given to keep has fewer."""


class OneSessionPerTab(Middleware):
    """Empties a tab's state when the tab comes back with another session cookie, or with one that has ended.

    A tab keeps its state over log-out and log-in. Without this the next user of the tab would be sent what the
    one before saw. A tab without a session has a state, too, which lasts a while: what its browser remembers is cut,
    so that strangers cannot fill the memory with it.
    """

    async def preprocess(self, app: App, state: BaseState, event: Event) -> StateUpdate | None:
        root = state._get_root_state()
        session = await root.get_state(SessionState)
        name = kept_tokens.name_of(root.router_data, settings())
        if name != session._belongs_to or (event.name in HYDRATES and await self._has_ended(session)):
            root.reset()  # type: ignore[no-untyped-call]
            session._belongs_to = name
        if REMEMBERED in event.payload:
            event.payload[REMEMBERED] = _short_enough(event.payload[REMEMBERED])
        return None

    @staticmethod
    async def _has_ended(session: SessionState) -> bool:
        """Whether the session is known to be over; not while the database cannot tell."""
        try:
            return await session._identity() is None
        except DATABASE_AWAY:
            return False


def _short_enough(remembered: object) -> dict[str, str]:
    """What a browser remembers as texts that are not too long."""
    values = remembered if isinstance(remembered, dict) else {}
    return {name: sent.legible(value)[:LONGEST_REMEMBERED] for name, value in values.items()}


def is_connected(client_token: str) -> bool:
    """Whether a tab's socket is open in this process."""
    namespace = RegistrationContext.ensure_context().app.event_namespace
    return namespace is not None and client_token in namespace.token_to_sid


async def bursts(
    updates: AsyncIterator[Any], until: asyncio.Event, silence: float | None = None
) -> AsyncGenerator[list[Any]]:
    """Updates in the groups in which they arrive; an empty group where nothing comes for `silence` seconds, by default
    `HEARTBEAT_SECONDS`.

    It ends at once when the event is set; what waits then is not handed on.
    """
    waiting: asyncio.Queue[Any] = asyncio.Queue()

    async def collect() -> None:
        async for update in updates:
            waiting.put_nowait(update)

    async def end() -> None:
        await until.wait()
        waiting.put_nowait(None)

    tasks = [asyncio.create_task(collect()), asyncio.create_task(end())]
    try:
        while True:
            burst: list[Any] = []
            with suppress(TimeoutError):
                burst.append(await asyncio.wait_for(waiting.get(), silence or HEARTBEAT_SECONDS))
            while not waiting.empty():
                burst.append(waiting.get_nowait())
            if until.is_set():
                return
            yield burst
    finally:
        for task in tasks:
            task.cancel()
