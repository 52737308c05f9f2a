"""One websocket per process: slots, the signatures that are waited for, and the accounts that are looked at.

The frames are read here and not by solana-py's client, which drops the whole connection on a transaction error
that its parser does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from solders.pubkey import Pubkey
from solders.signature import Signature
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine_app.chain.answers import integer
from engine_app.chain.background import keep_running, stop
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_SHORTEST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0
_OPEN_SECONDS = 5.0
_PING_SECONDS = 5.0
_WRITE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SignatureNotice:
    """A signature has reached `confirmed`.

    Attributes:
        slot: the slot at which the node said so; the transaction landed in it or before it.
        error: the transaction error as JSON, None where it succeeded.
    """

    slot: int
    error: Any


class SignatureWatch:
    """A signature being waited for; survives reconnects until it is answered or dropped."""

    __slots__ = ("listener", "signature", "subscription")

    kind = "signature"

    def __init__(self, signature: Signature, listener: Callable[[SignatureNotice], None]) -> None:
        self.signature = signature
        self.listener = listener
        self.subscription: int | None = None

    @property
    def active(self) -> bool:
        """Whether the node has taken the subscription on the present connection."""
        return self.subscription is not None

    @property
    def params(self) -> list[Any]:
        """What is subscribed to."""
        return [str(self.signature), {"commitment": "confirmed", "enableReceivedNotification": False}]


class AccountWatch:
    """An account being looked at, one that does not exist yet too; survives reconnects until it is dropped.

    The listener is called whenever the account may be another than before: with the slot where it changed at
    `confirmed`, with None where the node has just begun to watch it, before which it may have changed unseen.
    """

    __slots__ = ("address", "listener", "subscription")

    kind = "account"

    def __init__(self, address: Pubkey, listener: Callable[[int | None], None]) -> None:
        self.address = address
        self.listener = listener
        self.subscription: int | None = None

    @property
    def active(self) -> bool:
        """Whether the node has taken the subscription on the present connection."""
        return self.subscription is not None

    @property
    def params(self) -> list[Any]:
        """What is subscribed to."""
        return [str(self.address), {"commitment": "confirmed", "encoding": "base64"}]


Watch = SignatureWatch | AccountWatch


class Stream:
    """The websocket: connects, reconnects with back-off, subscribes again to all that is still waited for."""

    def __init__(self, urls: Sequence[str], *, on_lost: Callable[[], None] | None = None) -> None:
        """Nothing is opened before `start`.

        Args:
            urls: websocket endpoints; the next is tried when one does not connect.
            on_lost: called when a connection that stood has broken.
        """
        self._urls = tuple(urls)
        self._on_lost = on_lost
        self._slot_listeners: list[Callable[[int], None]] = []
        self._watches: set[Watch] = set()
        self._connection: ClientConnection | None = None
        self._requests: dict[int, Watch | None] = {}
        self._by_subscription: dict[int, Watch] = {}
        self._unsubscribing: set[asyncio.Task[None]] = set()
        self._next_request = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the socket stands."""
        return self._connection is not None

    def on_slot(self, listener: Callable[[int], None]) -> None:
        """Have `listener` called with every new slot."""
        self._slot_listeners.append(listener)

    async def start(self) -> None:
        """Begin to connect; does not wait for it."""
        self._task = keep_running(self._run, "chain-stream")

    async def close(self) -> None:
        """Close the socket."""
        await stop(self._task)

    async def watch_signature(
        self, signature: Signature, listener: Callable[[SignatureNotice], None]
    ) -> SignatureWatch:
        """Have `listener` called once when the signature reaches `confirmed`.

        Returns when the subscription is on the wire, or at once where the socket is down (it follows on
        reconnect); the node's acknowledgement is not waited for.
        """
        watch = SignatureWatch(signature, listener)
        await self._watch(watch)
        return watch

    async def watch_account(self, address: Pubkey, listener: Callable[[int | None], None]) -> AccountWatch:
        """Have `listener` called whenever the account may have changed, from the node's acknowledgement on, as
        `AccountWatch` says.

        Returns as `watch_signature` does.
        """
        watch = AccountWatch(address, listener)
        await self._watch(watch)
        return watch

    def drop(self, watch: Watch) -> None:
        """Stop waiting for a signature, or looking at an account."""
        self._watches.discard(watch)
        if watch.subscription is None or self._connection is None:
            return
        self._by_subscription.pop(watch.subscription, None)
        self._unsubscribe(self._connection, watch.kind, watch.subscription)
        watch.subscription = None

    def _unsubscribe(self, connection: ClientConnection, kind: str, subscription: int) -> None:
        unsubscribing = asyncio.create_task(self._request(connection, f"{kind}Unsubscribe", [subscription], None))
        self._unsubscribing.add(unsubscribing)
        unsubscribing.add_done_callback(self._unsubscribing.discard)

    async def _run(self) -> None:
        failures = 0
        while True:
            url = self._urls[failures % len(self._urls)]
            try:
                async with connect(
                    url,
                    open_timeout=_OPEN_SECONDS,
                    ping_interval=_PING_SECONDS,
                    ping_timeout=_PING_SECONDS,
                    close_timeout=1,
                    compression=None,
                    max_size=2**20,
                ) as connection:
                    if failures:
                        _log.info("websocket connected again", failures=failures)
                    failures = 0
                    await self._serve(connection)
            except (OSError, WebSocketException, orjson.JSONDecodeError, TimeoutError) as error:
                if failures == 0:
                    _log.warning("websocket lost", reason=f"{type(error).__name__}: {error}")
            failures += 1
            await asyncio.sleep(min(_SHORTEST_PAUSE_SECONDS * 2 ** min(failures, 10), _LONGEST_PAUSE_SECONDS))

    async def _serve(self, connection: ClientConnection) -> None:
        try:
            await self._request(connection, "slotSubscribe", [], None)
            self._connection = connection
            for watch in list(self._watches):
                await self._subscribe(connection, watch)
            async for frame in connection:
                self._read(orjson.loads(frame))
        finally:
            self._connection = None
            self._requests.clear()
            self._by_subscription.clear()
            for watch in self._watches:
                watch.subscription = None
            if self._on_lost is not None:
                self._on_lost()

    async def _watch(self, watch: Watch) -> None:
        self._watches.add(watch)
        if self._connection is not None:
            await self._subscribe(self._connection, watch)

    async def _subscribe(self, connection: ClientConnection, watch: Watch) -> None:
        await self._request(connection, f"{watch.kind}Subscribe", watch.params, watch)

    async def _request(self, connection: ClientConnection, method: str, params: list[Any], watch: Watch | None) -> None:
        self._next_request += 1
        number = self._next_request
        self._requests[number] = watch
        body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await connection.send(body, text=True)
        except (WebSocketException, TimeoutError):
            # The reading side sees the end of the connection and begins anew.
            connection.transport.abort()

    def _read(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "slotNotification":
            slot = integer(message["params"]["result"]["slot"])
            for listener in self._slot_listeners:
                listener(slot)
        elif method == "signatureNotification":
            self._notice(message["params"])
        elif method == "accountNotification":
            watch = self._by_subscription.get(message["params"]["subscription"])
            if isinstance(watch, AccountWatch):
                watch.listener(integer(message["params"]["result"]["context"]["slot"]))
        elif "id" in message:
            watch = self._requests.pop(message["id"], None)
            if "error" in message:
                _log.warning("subscription refused", error=message["error"])
            elif watch is not None and watch in self._watches:
                watch.subscription = message["result"]
                self._by_subscription[message["result"]] = watch
                if isinstance(watch, AccountWatch):
                    watch.listener(None)
            elif isinstance(watch, AccountWatch) and self._connection is not None:
                # Dropped before the node had answered; unlike a signature's, this subscription would never end.
                self._unsubscribe(self._connection, watch.kind, message["result"])

    def _notice(self, params: dict[str, Any]) -> None:
        watch = self._by_subscription.pop(params["subscription"], None)
        if not isinstance(watch, SignatureWatch):
            return
        watch.subscription = None
        self._watches.discard(watch)
        result = params["result"]
        watch.listener(SignatureNotice(slot=integer(result["context"]["slot"]), error=result["value"]["err"]))
