"""Who is logged in, as the server finds it anew in every handler."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import reflex as rx

from engine_app import errors
from engine_app.accounts.client_ip import without_port
from engine_app.accounts.errors import CommonPassword, Unauthorized
from engine_app.accounts.service import Identity
from engine_app.services import services
from engine_app.ui import browser, kept_tokens, sent

CLUSTER_LABELS = {"localnet": "Local chain", "devnet": "Devnet", "mainnet-beta": "Mainnet"}


class SessionState(rx.State):
    """The account of the tab. States that show something of an account derive from it."""

    username: str = ""
    signed_in: bool = False
    cluster: str = ""
    cluster_label: str = ""
    database_away: bool = False
    """Whether what the tab shows may be old because the database does not answer."""
    feed_away: bool = False
    """Whether nothing is pushed to the tab, so that it reads again and again instead."""
    busy: bool = False
    """Whether a form of the tab is being dealt with."""

    _belongs_to: str = ""
    """The name of the session token whose data the tab's state holds."""
    _follower: int = 0
    """Which follower of the orders is the tab's; those before it end."""
    _under_way: rx.Field[frozenset[UUID]] = rx.field(default_factory=frozenset)
    """The orders that were under way when the tab last heard: what has ended since is still to be told."""

    async def _identity(self) -> Identity | None:
        """Who asks, checked on the server at every call; None where the cookie is missing or not valid."""
        token = kept_tokens.token_named(kept_tokens.name_of(self.router_data, services().settings))
        if not token:
            return None
        try:
            return await services().accounts.authenticate_session(token)
        except Unauthorized:
            return None

    def _ip(self) -> str:
        """The address that limits and the security log count what the tab asks for under."""
        return without_port(self.router.session.client_ip)

    def _welcome(self, identity: Identity) -> None:
        cluster = services().settings.solana_cluster
        self.username = identity.username
        self.signed_in = True
        self.cluster = cluster
        self.cluster_label = CLUSTER_LABELS[cluster]


State = TypeVar("State", bound=SessionState)
Arguments = ParamSpec("Arguments")


def signed_in_only(
    handler: Callable[Concatenate[State, Identity, Arguments], Awaitable[Any]],
) -> Callable[..., Awaitable[Any]]:
    """A handler that runs for who is logged in and is handed the identity; anyone else is sent to log in.

    It stands below `rx.event`. Background events check the session themselves, as often as they go round.
    """

    @wraps(handler)
    async def guarded(self: State, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        identity = await self._identity()
        if identity is None:
            return browser.to_login()
        return await handler(self, identity, *args, **kwargs)

    # Reflex matches what a client sends with the parameters that the signature names.
    itself, _, *sent = inspect.signature(handler).parameters.values()
    guarded.__signature__ = inspect.Signature([itself, *sent])  # type: ignore[attr-defined]
    return guarded


def signed_in_form(
    handler: Callable[[State, Identity, dict[str, str]], Awaitable[Any]],
) -> Callable[..., AsyncIterator[Any]]:
    """As `signed_in_only`, for a handler that takes the fields of a form; the tab is busy until it is done."""

    @wraps(handler)
    async def guarded(self: State, form: dict[str, Any]) -> AsyncIterator[Any]:
        identity = await self._identity()
        if identity is None:
            yield browser.to_login()
            return
        self.busy = True
        yield
        try:
            done = await handler(self, identity, sent.fields(form))
        except Exception:
            self.busy = False
            yield
            raise
        self.busy = False
        yield done

    guarded.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", "form")]
    )
    return guarded


class WelcomeState(SessionState):
    """What a person is told who has just come in."""

    @rx.event
    @signed_in_only
    async def greet(self, _: Identity) -> Any:
        """Warn who has just chosen a password that is tried first."""
        if self.router.url.query_parameters.get("warning") != CommonPassword.code:
            return None
        known = errors.explain(CommonPassword.code)
        return browser.toast("warning", known.happened, known.next_step, subject="password", milliseconds=20_000)
