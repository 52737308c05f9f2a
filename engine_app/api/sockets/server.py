"""The Socket.IO server at `/socket.io`, namespace `/`: who may connect, what may be asked, who is dropped and when."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import socketio
from engineio.exceptions import SocketIsClosedError
from socketio.exceptions import ConnectionRefusedError as Refused
from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from engine_app.accounts.errors import Unauthorized
from engine_app.accounts.origins import is_own_origin
from engine_app.accounts.quotas import TRY_AGAIN_LATER, WINDOW_SECONDS, too_many_of_address
from engine_app.accounts.scopes import Scope as Right
from engine_app.accounts.service import Identity
from engine_app.api.problems import problem
from engine_app.api.sockets.following import Following
from engine_app.api.sockets.line import POLICY_VIOLATION, Line
from engine_app.api.sockets.protocol import (
    MAX_MESSAGE_BYTES,
    SUBSCRIBE,
    DatabaseAway,
    InvalidMessage,
    TextPacket,
    TooManySockets,
    done,
    read_subscription,
    refused,
    update_packet,
)
from engine_app.errors import EngineError
from engine_app.orders.updates import Update
from engine_app.services import WebServices, services
from engine_app.storage.postgres import DATABASE_AWAY
from engine_app.storage.rate_limits import RateLimited
from engine_app.telemetry import metrics
from engine_app.telemetry.logging import get_logger

PING_SECONDS = 10
PONG_SECONDS = 10
JOIN_SECONDS = 5.0
"""How long a connection may stay without a session."""
WAITING_MESSAGES = 256
"""Messages that may wait for a client to read them."""
READ_SECONDS = 5.0
"""How long a client may leave so many unread."""
LOOK_SECONDS = 0.05
PARTING_SECONDS = 1.0
"""How long the last word to a client that leaves may take."""
FLOOD_FACTOR = 100
"""Times the messages a second that one socket may send before it is cut off."""
DATABASE_PAUSE_SECONDS = 1.0
LINE = "engine.line"
"""Where a websocket's scope holds its `Line`."""

log = get_logger(__name__)


class Pace:
    """How many messages a connection has sent in this second."""

    def __init__(self) -> None:
        self._second = 0
        self.messages = 0

    def count(self) -> None:
        """Count one message."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self.messages = second, 0
        self.messages += 1


class Member:
    """A socket with a session, and what is done for it until it leaves."""

    def __init__(self, identity: Identity, eio_sid: str, following: Following) -> None:
        self.identity = identity
        self.eio_sid = eio_sid
        self.following = following
        self.tasks: set[asyncio.Task[None]] = set()

    async def follow(self, offered: WebServices, listening: asyncio.Event) -> None:
        """Hand on what the feed tells, until cancelled; `listening` is set once nothing can be missed any more."""
        async with offered.feed.follow(self.identity.user_id) as updates:
            listening.set()
            async for update in updates:
                told = update
                while True:
                    try:
                        await self.following.take(told)
                        break
                    except DATABASE_AWAY as error:
                        log.warning("socket.database_away", error=type(error).__name__)
                        told = None
                    await asyncio.sleep(DATABASE_PAUSE_SECONDS)


class OrderSockets(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """Live updates of orders. Overrides parts of python-socketio 5.18.1 that are not its public face."""

    def __init__(self) -> None:
        super().__init__(
            async_mode="asgi",
            serializer=TextPacket,
            async_handlers=False,  # one message of a socket after the other: whoever sends fast waits for himself
            cors_allowed_origins=_own_pages_only,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            http_compression=False,
        )
        self._lines: dict[str, Line] = {}
        self._paces: dict[str, Pace] = {}
        self._waiting_to_join: dict[str, asyncio.Task[None]] = {}
        self._members: dict[str, Member] = {}
        self._sockets_of: Counter[int] = Counter()
        self.on("connect", self._joins)
        self.on("disconnect", self._leaves)
        self.on(SUBSCRIBE, self._subscribes)
        self.on("*", self._says_something_else)

    async def _joins(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        """Let a client with a valid token in. Raises Refused, with code and sentence, for any other."""
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            if not isinstance(token, str):
                raise Unauthorized("send the token of your session as `auth: {token}`")
            offered = services()
            identity = await offered.accounts.authenticate(token)
            identity.require(Right.READ)
            most = offered.settings.sockets_per_account
            if self._sockets_of[identity.user_id] >= most:
                raise TooManySockets(f"the account has {most} sockets open, which is as many as it may")
        except EngineError as error:
            raise _refusal(error.code, error.detail) from None
        except DATABASE_AWAY:
            away = DatabaseAway()
            raise _refusal(away.code, away.detail) from None
        await self._welcome(sid, offered, identity)

    async def _welcome(self, sid: str, offered: WebServices, identity: Identity) -> None:
        eio_sid = self.manager.eio_sid_from_sid(sid, "/")
        if eio_sid not in self.environ:
            raise Refused("the client has gone")

        async def tell(update: Update) -> None:
            await self._tell(eio_sid, update)

        following = Following(offered.orders, identity.user_id, tell, most=offered.settings.socket_subscriptions)
        member = Member(identity, eio_sid, following)
        self._members[sid] = member
        self._sockets_of[identity.user_id] += 1
        metrics.OPEN_SOCKETS.labels("bots").set(len(self._members))
        listening = asyncio.Event()
        for work in (member.follow(offered, listening), self._drop_at_the_end(sid, member, offered)):
            member.tasks.add(self._started(work, eio_sid))
        await listening.wait()

    def _started(self, work: Coroutine[Any, Any, None], eio_sid: str) -> asyncio.Task[None]:
        """Work for a connection as a task; where it fails, that is logged, and the connection is cut."""

        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("socket.failed")
                await self._cut(eio_sid)

        return asyncio.get_running_loop().create_task(guarded())

    async def _leaves(self, sid: str, _reason: str = "") -> None:
        member = self._members.pop(sid, None)
        if member is None:
            return
        self._sockets_of -= Counter([member.identity.user_id])
        metrics.OPEN_SOCKETS.labels("bots").set(len(self._members))
        for task in member.tasks - {asyncio.current_task()}:
            task.cancel()
        if member.eio_sid in self.environ:
            self._await_membership(member.eio_sid)

    async def _subscribes(self, sid: str, *arguments: Any) -> dict[str, Any]:
        try:
            member = await self._member(sid)
            await member.following.subscribe(read_subscription(arguments).orders)
        except EngineError as error:
            return refused(error)
        except DATABASE_AWAY:
            return refused(DatabaseAway())
        return done()

    async def _says_something_else(self, event: str, sid: str, *_: Any) -> dict[str, Any]:
        try:
            await self._member(sid)
        except EngineError as error:
            return refused(error)
        except DATABASE_AWAY:
            return refused(DatabaseAway())
        return refused(InvalidMessage(f"there is no event {event[:50]!r}; emit `{SUBSCRIBE}`"))

    async def _member(self, sid: str) -> Member:
        """The member that sends a message, whose session or key holds by now.

        Raises:
            RateLimited, Unauthorized, DATABASE_AWAY: nothing may be done for it.
        """
        member = self._members.get(sid)
        if member is None:
            raise Unauthorized
        most, pace = services().settings.socket_messages_per_second, self._paces.get(member.eio_sid)
        if pace is None or pace.messages > most:
            raise RateLimited(f"a socket may send {most} messages a second", retry_after=1)
        async with services().endings.watch(member.identity) as ended:
            if ended.is_set():
                raise Unauthorized
        return member

    async def _tell(self, eio_sid: str, update: Update) -> None:
        """Send one update; a client that leaves too much unread is cut off instead."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is None:
            return
        patience = READ_SECONDS
        while socket.queue.qsize() >= WAITING_MESSAGES:
            if patience <= 0:
                log.info("socket.too_slow")
                await self._cut(eio_sid)
                return
            await asyncio.sleep(LOOK_SECONDS)
            patience -= LOOK_SECONDS
        with suppress(SocketIsClosedError):
            await self._send_packet(eio_sid, update_packet(update))

    async def _drop_at_the_end(self, sid: str, member: Member, offered: WebServices) -> None:
        """Wait until the session or key is over, expired or revoked, then end the connection at once."""
        while True:
            try:
                await offered.endings.until_ended(member.identity)
                break
            except DATABASE_AWAY as error:
                log.warning("socket.database_away", error=type(error).__name__)
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)
        await self.disconnect(sid)
        await self._cut(member.eio_sid)

    async def _cut(self, eio_sid: str) -> None:
        """End a connection now, whatever is still waiting in it."""
        socket, line = self.eio.sockets.get(eio_sid), self._lines.pop(eio_sid, None)
        if socket is not None:
            with suppress(SocketIsClosedError):
                await socket.close(wait=False, abort=True)
        if line is not None:
            line.cut()

    def upgrades(self, eio_sid: str, line: Line) -> bool:
        """A connection that began by polling goes on by websocket: whether it may, which has none so far. Of two
        websockets only one could be cut."""
        return eio_sid not in self.environ or self._lines.setdefault(eio_sid, line) is line

    def hung_up(self, eio_sid: str, line: Line) -> None:
        """That websocket is over; the connection goes on by polling where it was not to be upgraded after all."""
        if self._lines.get(eio_sid) is line:
            del self._lines[eio_sid]

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._paces[eio_sid] = Pace()
        if (line := environ["asgi.scope"].get(LINE)) is not None:
            self._lines[eio_sid] = line
        self._await_membership(eio_sid)

    def _await_membership(self, eio_sid: str) -> None:
        self._waiting_to_join[eio_sid] = self._started(self._require_membership(eio_sid), eio_sid)

    async def _require_membership(self, eio_sid: str) -> None:
        await asyncio.sleep(JOIN_SECONDS)
        if self.manager.sid_from_eio_sid(eio_sid, "/") not in self._members:
            await self._cut(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if (line := self._lines.pop(eio_sid, None)) is not None:
            # Who goes on sending without ever reading would else keep the websocket open for ever.
            asyncio.get_running_loop().call_later(PARTING_SECONDS, line.cut)
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        await super()._handle_eio_disconnect(eio_sid, reason)
        # The library tells nobody of a client that goes in the very moment in which it is let in.
        await self._leaves(sid)
        if (socket := self.eio.sockets.get(eio_sid)) is not None:
            # Ends the request or writer that waits for something to send, once it has sent what there is.
            socket.queue.put_nowait(None)
        self._paces.pop(eio_sid, None)
        if (waiting := self._waiting_to_join.pop(eio_sid, None)) not in (None, asyncio.current_task()):
            waiting.cancel()

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        """Take one packet; whoever sends what is none, or floods, is cut off without a traceback in the log."""
        pace = self._paces.get(eio_sid)
        if pace is None:
            return
        pace.count()
        problem = _what_is_wrong_with(data)
        if problem is None and pace.messages > services().settings.socket_messages_per_second * FLOOD_FACTOR:
            problem = "too many packets"
        if problem is not None:
            log.info("socket.bad_packet", problem=problem)
            await self._cut(eio_sid)
            return
        await super()._handle_eio_message(eio_sid, data)


class SocketsApp:
    """The server as an ASGI application, each of whose websockets can be cut."""

    def __init__(self, sockets: OrderSockets) -> None:
        self._sockets = sockets
        self._app: ASGIApp = socketio.ASGIApp(sockets, socketio_path=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket; an address opens only so many connections in a while."""
        sid = _sid(scope)
        if sid is None:
            offered = services()
            if await too_many_of_address(HTTPConnection(scope), offered.counters, offered.settings):
                await _refuse(scope, receive, send)
                return
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        line = Line(receive, send)
        if sid is not None and not self._sockets.upgrades(sid, line):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "it has a websocket already"})
            return
        try:
            await self._app({**scope, LINE: line}, line.receive, line.send)
        finally:
            if sid is not None:
                self._sockets.hung_up(sid, line)
            await line.hang_up()


def _sid(scope: Scope) -> str | None:
    """The connection that a request belongs to, read as Engine.IO does, for which an empty one is none."""
    named = parse_qs(scope["query_string"].decode("latin-1")).get("sid")
    return named[0] if named else None


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    told = "too many requests from this address; try again in a few seconds"
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": told})
    else:
        await problem(429, RateLimited.code, told, retry_after=WINDOW_SECONDS)(scope, receive, send)


def _what_is_wrong_with(data: Any) -> str | None:
    """Why a message is no packet that a client may send; None for one that is."""
    if not isinstance(data, str):
        return "no text"
    try:
        packet = TextPacket(encoded_packet=data)
    except (ValueError, IndexError, RecursionError) as error:
        return str(error)[:200]
    if packet.packet_type not in (CONNECT, DISCONNECT, EVENT, ACK):
        return f"packet type {packet.packet_type}"
    if packet.packet_type != EVENT:
        return None
    if not isinstance(packet.data, list) or not packet.data or not isinstance(packet.data[0], str):
        return "an event without a name"
    return f"the event {packet.data[0]}" if packet.data[0] in OrderSockets.reserved_events else None


def _refusal(code: str, detail: str) -> Refused:
    """Why a connection is refused, as `connect_error` tells it: the sentence as `message`, both in `data`."""
    return Refused(detail, {"code": code, "message": detail})


def _own_pages_only(origin: str, environ: dict[str, Any]) -> bool:
    """Whether a page of this origin may connect; programs, which name no origin, are not asked."""
    hosts = (environ.get("HTTP_HOST", ""), environ.get("HTTP_X_FORWARDED_HOST", ""))
    return is_own_origin(origin, hosts, services().settings.public_url)
