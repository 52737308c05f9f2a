"""One RPC endpoint: its connections, its genesis check, its health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp
import orjson
from solders.hash import Hash, ParseHashError

from engine_app.chain.call_counts import CallTotals, Outcome
from engine_app.chain.errors import RpcRefused, RpcUnavailable, WrongCluster
from engine_app.chain.in_flight import InFlight
from engine_app.telemetry import metrics, tracing
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

SEARCH = "getProgramAccounts"
"""The method that nodes answer slowly, limit on its own, or do not offer: what comes of it tells nothing of the others,
so it neither closes an endpoint nor counts as its latency."""

_TIMEOUT_SECONDS = 5.0
_SEARCH_TIMEOUT_SECONDS = 15.0
_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes. What the engine asks for is far below it, searches too; a node that sends more is not to fill the memory."""
_WORDS = 80
"""Characters of an answer that stand in a reason."""
_CONNECTIONS = 16
_KEEPALIVE_SECONDS = 50.0
_FAILURES_THAT_OPEN = 3
_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_LIMITED_PAUSE_SECONDS = 1.0
_LONGEST_LIMITED_PAUSE_SECONDS = 60.0

_NODE_UNHEALTHY = -32005
_TROUBLE_CODES = frozenset(
    {
        429,  # some providers answer 200 with this code
        -32603,  # internal error
        -32004,  # block not available for slot
        _NODE_UNHEALTHY,
        -32014,  # block status not yet available
        -32016,  # minimum context slot has not been reached
    }
)
"""JSON-RPC errors that say something of the node's state, not of the call."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How an endpoint does, for people.

    Attributes:
        name: scheme, host and port; never a path or query, which may hold a key.
        verified: its genesis hash has been checked and nothing has happened since that asks for a new check.
        wrong: why it is shut out for good, or None.
        available: calls may go to it now.
        slot: the newest slot it has shown.
        slots_behind: slots behind the foremost endpoint at the last comparison.
        latency_ms: moving mean of its answers' time, None before the first.
    """

    name: str
    verified: bool
    wrong: str | None
    available: bool
    slot: int
    slots_behind: int
    latency_ms: float | None


class _Line:
    """Connections to one URL for one kind of calls, opened at the first of them.

    A call over aiohttp takes much less of the processor than one over the HTTP of solana-py's client.
    """

    def __init__(self, url: str, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, request: dict[str, Any]) -> tuple[aiohttp.ClientResponse, bytes]:
        """The answer to a request, whatever its status, and its body. Raises aiohttp.ClientPayloadError where that is
        too large."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_SECONDS),
                timeout=self._timeout,
                headers={"Content-Type": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=bool(getproxies()),
            )
        body = orjson.dumps(request)
        async with self._session.post(self._url, data=body, allow_redirects=False) as response:
            content = bytearray()
            async for part in response.content.iter_any():
                content += part
                if len(content) > _LARGEST_ANSWER:
                    raise aiohttp.ClientPayloadError(f"the answer has more than {_LARGEST_ANSWER} bytes")
            return response, bytes(content)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


class Endpoint:
    """One node behind one URL.

    Every call checks first that the genesis hash was verified since the last trouble with the connection. Three
    failures in a row, or one 429, close the endpoint to calls for a while (a node's Retry-After is kept, otherwise
    pauses double from 0.1 s to 2 s); a background probe opens it again.
    """

    def __init__(self, url: str, *, accept: Callable[[str], Awaitable[None]], totals: CallTotals) -> None:
        """`accept` is given the endpoint's genesis hash and raises WrongCluster where it is not the right one."""
        parts = urlsplit(url)
        self.url = url
        self.name = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._accept = accept
        self._totals = totals
        self._reads = _Line(url)
        # Sends and searches have connections of their own: however many hang, reads find one free.
        self._sends = _Line(url)
        self._searches = _Line(url, _SEARCH_TIMEOUT_SECONDS)
        self._verified = False
        self._verifying: InFlight[str, None] = InFlight()
        self._wrong: str | None = None
        self._failures = 0
        self._pauses = 0
        self._closed_until = 0.0
        self._latency: float | None = None
        self.slot = 0
        self.slots_behind = 0

    @property
    def wrong(self) -> str | None:
        """Why the endpoint is shut out for good (another chain), or None."""
        return self._wrong

    @property
    def verified(self) -> bool:
        """Whether the genesis hash has been checked since the last trouble with the connection."""
        return self._verified

    @property
    def available(self) -> bool:
        """Whether calls may go to it now."""
        return self._wrong is None and self._closed_until == 0.0

    @property
    def due_for_probe(self) -> bool:
        """Whether it is closed to calls and its pause is over."""
        return self._wrong is None and 0.0 < self._closed_until <= time.monotonic()

    @property
    def seconds_closed(self) -> float:
        """Seconds until a probe may open it again; 0 where it is open or due."""
        return max(0.0, self._closed_until - time.monotonic())

    @property
    def latency(self) -> float | None:
        """Moving mean of its answers' time, seconds."""
        return self._latency

    def health(self) -> EndpointHealth:
        """How it does, for people."""
        return EndpointHealth(
            name=self.name,
            verified=self._verified,
            wrong=self._wrong,
            available=self.available,
            slot=self.slot,
            slots_behind=self.slots_behind,
            latency_ms=None if self._latency is None else self._latency * 1000,
        )

    def distrust(self) -> None:
        """Ask for a new genesis check before the next use: another process may listen there now."""
        self._verified = False

    async def verify(self, *, again: bool = False) -> None:
        """Check the genesis hash now, unless that was done since the last trouble and not asked for `again`.

        Whoever asks while a check is under way shares it: one after the other, each would wait for a node that gives no
        answer as long as all before it did.

        Raises:
            WrongCluster: another chain; the endpoint is shut out from here on.
            RpcUnavailable, RpcRefused: no hash to be had.
        """
        if self._wrong is not None:
            raise WrongCluster(self._wrong)
        if again or not self._verified:
            await self._verifying.share("genesis", self._check_genesis)

    async def _check_genesis(self) -> None:
        answer = await self._post(self._reads, "getGenesisHash", [])
        try:
            genesis = str(Hash.from_string(answer))
        except (TypeError, ParseHashError) as error:
            raise self._note_failure(
                "getGenesisHash", f"getGenesisHash: {str(answer)[:_WORDS]!r} is no hash"
            ) from error
        try:
            await self._accept(genesis)
        except WrongCluster as error:
            self._wrong = f"{self.name}: {error.detail}"
            _log.error("endpoint shut out", endpoint=self.name, reason=error.detail)
            raise WrongCluster(self._wrong) from None
        self._verified = True

    async def call(self, method: str, params: list[Any]) -> Any:
        """The `result` of one JSON-RPC call.

        Raises:
            RpcUnavailable: no answer, 429, 5xx, an unwell or lagging node, another chain.
            RpcRefused: any other JSON-RPC error.
        """
        if not self._verified:
            try:
                await self.verify()
            except WrongCluster as error:
                raise RpcUnavailable(error.detail) from None
        line = {"sendTransaction": self._sends, SEARCH: self._searches}.get(method, self._reads)
        return await self._post(line, method, params)

    async def probe(self, *, verify_again: bool = False) -> int | None:
        """Ask for its slot; opens a closed endpoint or lengthens its pause.

        Returns its confirmed slot, None where there was no answer. Raises nothing of RPC.
        """
        try:
            await self.verify(again=verify_again)
            slot = await self._post(self._reads, "getSlot", [{"commitment": "confirmed"}])
        except (RpcUnavailable, RpcRefused, WrongCluster):
            return None
        self._note_slot(slot)
        return slot if isinstance(slot, int) else None

    async def close(self) -> None:
        """Close its connections."""
        await self._verifying.close()
        await asyncio.gather(self._reads.close(), self._sends.close(), self._searches.close())

    async def _post(self, line: _Line, method: str, params: list[Any]) -> Any:
        _log.debug("rpc.call", method=method, endpoint=self.name)
        with tracing.span(method, endpoint=self.name):
            return await self._exchange(line, method, params)

    async def _exchange(self, line: _Line, method: str, params: list[Any]) -> Any:
        started = time.monotonic()
        try:
            response, content = await line.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
            self._verified = False
            raise self._note_failure(method, f"{method}: {_told(error)}") from error
        if response.status != 200:
            raise self._failed(method, response, content)
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise self._note_failure(method, f"{method}: the answer is not JSON") from error
        if method != SEARCH:
            self._note_latency(time.monotonic() - started)
        return self._unwrap(method, answer)

    def _failed(self, method: str, response: aiohttp.ClientResponse, content: bytes) -> Exception:
        """What an HTTP status other than 200 means."""
        if response.status == 429:
            return self._note_limit(method, response.headers.get("retry-after"))
        if response.status < 500:
            error = _json_rpc_error(content)
            if error is not None:
                return self._refusal(method, error)
        return self._note_failure(method, f"{method}: HTTP {response.status}", response.headers.get("retry-after"))

    def _unwrap(self, method: str, answer: Any) -> Any:
        if not isinstance(answer, dict) or answer.keys().isdisjoint(("result", "error")):
            raise self._note_failure(method, f"{method}: the answer is no JSON-RPC response")
        error = answer.get("error")
        if isinstance(error, dict):
            raise self._refusal(method, error)
        if error is not None or "result" not in answer:
            raise self._note_failure(method, f"{method}: the answer is no JSON-RPC response")
        result = answer["result"]
        self._note_success(method)
        if isinstance(result, dict) and isinstance(context := result.get("context"), dict):
            self._note_slot(context.get("slot"))
        return result

    def _refusal(self, method: str, error: dict[str, Any]) -> Exception:
        code, message = error.get("code", 0), str(error.get("message", ""))
        if code == 429:
            return self._note_limit(method, None)
        if code == _NODE_UNHEALTHY:
            return self._note_failure(method, f"{method}: {message} ({code})")
        self._note_success(method, Outcome.REFUSED)
        if code in _TROUBLE_CODES:
            return RpcUnavailable(f"{self.name}: {method}: {message} ({code})")
        return RpcRefused(method, code, message, error.get("data"))

    def _note_success(self, method: str, outcome: Outcome = Outcome.OK) -> None:
        self._totals.add(method, self.name, outcome)
        self._failures = 0
        if self._closed_until > time.monotonic():
            return
        if self._closed_until:
            _log.info("endpoint answers again", endpoint=self.name)
        self._pauses = 0
        self._closed_until = 0.0

    def _note_failure(self, method: str, reason: str, retry_after: str | None = None) -> RpcUnavailable:
        self._totals.add(method, self.name, Outcome.UNAVAILABLE)
        if method == SEARCH:
            return RpcUnavailable(f"{self.name}: {reason}")
        self._failures += 1
        wait = _retry_after_seconds(retry_after)
        if self._failures >= _FAILURES_THAT_OPEN or wait is not None:
            pause = min(_SHORTEST_PAUSE_SECONDS * 2**self._pauses, _LONGEST_PAUSE_SECONDS)
            self._shut(max(pause, wait or 0.0), reason)
        return RpcUnavailable(f"{self.name}: {reason}", retry_after=None if wait is None else -int(-wait // 1))

    def _note_limit(self, method: str, retry_after: str | None) -> RpcUnavailable:
        self._totals.add(method, self.name, Outcome.LIMITED)
        if method == SEARCH:
            return RpcUnavailable(f"{self.name}: {method}: too many requests")
        wait = _retry_after_seconds(retry_after)
        pause = wait if wait is not None else _LIMITED_PAUSE_SECONDS * 2 ** min(self._pauses, 4)
        self._shut(pause, f"{method}: HTTP 429")
        return RpcUnavailable(f"{self.name}: {method}: too many requests", retry_after=-int(-pause // 1))

    def _shut(self, seconds: float, reason: str) -> None:
        until = time.monotonic() + seconds
        if until <= self._closed_until:
            return
        if not self._closed_until:
            _log.warning("endpoint paused", endpoint=self.name, reason=reason, seconds=round(seconds, 2))
        self._closed_until = until
        self._pauses = min(self._pauses + 1, 10)

    def _note_latency(self, seconds: float) -> None:
        metrics.RPC_SECONDS.labels(self.name).observe(seconds)
        self._latency = seconds if self._latency is None else 0.8 * self._latency + 0.2 * seconds

    def _note_slot(self, slot: Any) -> None:
        if isinstance(slot, int):
            self.slot = max(self.slot, slot)


def _told(error: Exception) -> str:
    """A failed exchange in words that keep the URL's path and query, where providers have their keys, to themselves."""
    name = type(error).__name__
    if isinstance(error, aiohttp.InvalidURL):
        return name
    reason = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return f"{name}: {reason}" if reason else name


def _json_rpc_error(content: bytes) -> dict[str, Any] | None:
    """The JSON-RPC error in the body of an HTTP error, if it is one."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) and "code" in error else None


def _retry_after_seconds(header: str | None) -> float | None:
    """Seconds that a Retry-After header (seconds, or a date) asks to wait, at most a minute."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), _LONGEST_LIMITED_PAUSE_SECONDS) if isfinite(seconds) else None
