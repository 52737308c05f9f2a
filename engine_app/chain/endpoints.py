"""All RPC endpoints together: which one to ask, when to ask another, and which to leave alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from engine_app.chain.background import keep_running, stop
from engine_app.chain.call_counts import CallTotals, counted_apart
from engine_app.chain.clusters import Cluster
from engine_app.chain.endpoint import Endpoint
from engine_app.chain.errors import RpcRefused, RpcUnavailable, WrongCluster
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_FIRST_CONTACT_PAUSE_SECONDS = 0.5
_COMPLAIN_EVERY_SECONDS = 10.0
_PROBE_SECONDS = 0.1
_COMPARE_SECONDS = 2.0
_VERIFY_ROUNDS = 5
_SLOTS_BEHIND_LIMIT = 16
"""An endpoint further behind the foremost is read only when no other answers."""
_SHORTEST_HEDGE_SECONDS = 0.15
_HEDGE_LATENCIES = 4
"""A read that takes this many times its endpoint's usual latency is asked of the next one too."""


class Endpoints:
    """The endpoints of one process in their order of preference."""

    def __init__(
        self,
        urls: Sequence[str],
        cluster: Cluster,
        *,
        expected_genesis: Callable[[], Awaitable[str | None]] | None,
        totals: CallTotals,
    ) -> None:
        self._cluster = cluster
        self._expected_genesis = expected_genesis
        self._genesis: str | None = None
        self._all = tuple(Endpoint(url, accept=self._accept, totals=totals) for url in urls)
        self._accepting = asyncio.Lock()
        self._background: list[asyncio.Task[None]] = []

    @property
    def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint, in the order given."""
        return self._all

    @property
    def genesis(self) -> str | None:
        """The genesis hash all used endpoints share, base58; None before the first was verified."""
        return self._genesis

    async def start(self) -> None:
        """Verify the endpoints; return once one is, keep the rest for the background.

        Waits for as long as none answers.

        Raises:
            WrongCluster: an endpoint that answered serves another chain.
        """
        waited = 0.0
        while True:
            results = await asyncio.gather(*(e.verify() for e in self._all), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException) and not isinstance(result, RpcUnavailable | RpcRefused):
                    raise result
            if any(endpoint.verified for endpoint in self._all):
                break
            if waited % _COMPLAIN_EVERY_SECONDS == 0:
                _log.warning("no RPC endpoint answers yet", endpoints=[e.name for e in self._all])
            await asyncio.sleep(_FIRST_CONTACT_PAUSE_SECONDS)
            waited += _FIRST_CONTACT_PAUSE_SECONDS
        with counted_apart():
            self._background = [
                keep_running(self._compare, "chain-compare"),
                *(keep_running(partial(self._reopen, e), f"chain-reopen-{e.name}") for e in self._all),
            ]

    async def close(self) -> None:
        """Stop the background checks and close all connections."""
        await stop(*self._background)
        await asyncio.gather(*(endpoint.close() for endpoint in self._all))

    def usable(self) -> list[Endpoint]:
        """Endpoints that calls may go to now, the best first: those that keep up before those that lag."""
        open_ones = [endpoint for endpoint in self._all if endpoint.available]
        return sorted(open_ones, key=lambda endpoint: endpoint.slots_behind > _SLOTS_BEHIND_LIMIT)

    def distrust(self) -> None:
        """Have every endpoint's genesis hash checked again before its next use."""
        for endpoint in self._all:
            endpoint.distrust()

    async def read(self, method: str, params: list[Any], *, first: int = 0) -> Any:
        """The result of a call that may be asked twice: of the best endpoint, of the next where that one fails or
        takes far longer than usual.

        Args:
            method, params: the JSON-RPC call.
            first: how far down the list of endpoints that keep up to begin, to spread polls over them.

        Raises:
            RpcUnavailable: none answered.
            RpcRefused: the first that answered refused.
        """
        usable = self._usable_or_raise(method)
        keep_up = sum(endpoint.slots_behind <= _SLOTS_BEHIND_LIMIT for endpoint in usable) or len(usable)
        start = first % keep_up
        order = usable[start:keep_up] + usable[:start] + usable[keep_up:]
        if len(order) == 1:
            return await order[0].call(method, params)
        return await self._race(order, method, params)

    async def ask_best(self, method: str, params: list[Any]) -> Any:
        """The result of a call that must not be repeated: of the best endpoint and no other. Raises as `read`."""
        return await self._usable_or_raise(method)[0].call(method, params)

    async def send(self, method: str, params: list[Any]) -> Any:
        """The result of a call to the best endpoint, or to the next where that one fails. Raises as `read`."""
        failure: RpcUnavailable | None = None
        for endpoint in self._usable_or_raise(method):
            try:
                return await endpoint.call(method, params)
            except RpcUnavailable as error:
                failure = error
        raise failure or RpcUnavailable(f"{method}: no endpoint")

    async def search(self, method: str, params: list[Any]) -> Any:
        """The result of a call that not every endpoint offers: of the first that answers it, asked one after another.

        Raises:
            RpcUnavailable, RpcRefused: none does; what the last one said.
        """
        failure: RpcUnavailable | RpcRefused | None = None
        for endpoint in self._usable_or_raise(method):
            try:
                return await endpoint.call(method, params)
            except (RpcUnavailable, RpcRefused) as error:
                failure = error
        raise failure or RpcUnavailable(f"{method}: no endpoint")

    def _usable_or_raise(self, method: str) -> list[Endpoint]:
        usable = self.usable()
        if usable:
            return usable
        pauses = [endpoint.seconds_closed for endpoint in self._all if endpoint.wrong is None]
        raise RpcUnavailable(
            f"{method}: no RPC endpoint is available",
            retry_after=max(1, -int(-min(pauses) // 1)) if pauses else None,
        )

    async def _race(self, order: list[Endpoint], method: str, params: list[Any]) -> Any:
        remaining = list(order)
        running: set[asyncio.Task[Any]] = set()
        failure: BaseException = RpcUnavailable(f"{method}: no endpoint")
        try:
            while remaining or running:
                hedge: float | None = None
                if remaining:
                    endpoint = remaining.pop(0)
                    running.add(asyncio.create_task(endpoint.call(method, params)))
                    usual = endpoint.latency or 0.0
                    hedge = max(_SHORTEST_HEDGE_SECONDS, usual * _HEDGE_LATENCIES) if remaining else None
                done, running = await asyncio.wait(running, timeout=hedge, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, RpcUnavailable):
                        raise error
                    failure = error
            raise failure
        finally:
            for task in running:
                task.cancel()

    async def _accept(self, genesis: str) -> None:
        if not self._cluster.accepts(genesis):
            raise WrongCluster(f"genesis hash {genesis} is not that of {self._cluster.name}")
        async with self._accepting:
            known = self._genesis
            if known is None and self._expected_genesis is not None:
                known = await self._expected_genesis()
            if known is not None and genesis != known:
                raise WrongCluster(
                    f"genesis hash {genesis}, but this engine was started with {known}; "
                    "point SOLANA_RPC_URL back, or run `python -m engine_app reset` to start afresh"
                )
            self._genesis = genesis

    async def _reopen(self, endpoint: Endpoint) -> None:
        """Probe the endpoint whenever it is closed and its pause is over."""
        while True:
            if endpoint.due_for_probe:
                await endpoint.probe()
            await asyncio.sleep(_PROBE_SECONDS)

    async def _compare(self) -> None:
        """Compare the endpoints' slots and repeat the genesis check from time to time."""
        rounds = 0
        while True:
            await asyncio.sleep(_COMPARE_SECONDS)
            rounds += 1
            verify = rounds % _VERIFY_ROUNDS == 0
            if verify or len(self._all) > 1:
                await self._compare_once(verify)

    async def _compare_once(self, verify: bool) -> None:
        asked = {
            asyncio.create_task(endpoint.probe(verify_again=verify)): endpoint
            for endpoint in self._all
            if endpoint.available
        }
        if not asked:
            return
        done, late = await asyncio.wait(asked, timeout=_COMPARE_SECONDS)
        for task in late:
            task.cancel()
        slots = {asked[task]: slot for task in done if (slot := task.result()) is not None}
        for endpoint, slot in slots.items():
            endpoint.slots_behind = max(slots.values()) - slot
