"""The one way to a Solana node.

A call goes to the best endpoint and fails over to the next; calls to one endpoint for itself (evidence, re-sends)
go through `nodes`. Each process makes one Rpc and passes it on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine_app.chain.call_counts import CallTotals, count_call
from engine_app.chain.clusters import Cluster
from engine_app.chain.endpoint import SEARCH, Endpoint, EndpointHealth
from engine_app.chain.endpoints import Endpoints
from engine_app.chain.errors import RpcUnavailable, WrongCluster
from engine_app.chain.methods import Methods

ExpectedGenesis = Callable[[], Awaitable[str | None]]
"""Gives the genesis hash (base58) the database was started with, None where it has seen no chain yet."""


class Node(Methods):
    """One endpoint asked for itself. Its calls are no order's own."""

    def __init__(self, endpoint: Endpoint) -> None:
        async def call(method: str, params: list[Any], *, apart: bool = False) -> Any:
            return await endpoint.call(method, params)

        super().__init__(call)
        self._endpoint = endpoint
        self.name = endpoint.name
        """Scheme, host and port; never a path or query, which may hold a key."""

    async def verify(self) -> None:
        """Check the genesis hash now. Raises RpcUnavailable where it is wrong or not to be had, RpcRefused."""
        try:
            await self._endpoint.verify(again=True)
        except WrongCluster as error:
            raise RpcUnavailable(error.detail) from None


class Rpc(Methods):
    """All endpoints as one."""

    def __init__(
        self,
        endpoints: Sequence[str],
        cluster: Cluster,
        *,
        expected_genesis: ExpectedGenesis | None = None,
    ) -> None:
        """Nothing is opened before `start`.

        Args:
            endpoints: URLs, the preferred one first.
            cluster: the cluster all of them must serve.
            expected_genesis: asked once, when the first endpoint has answered; None accepts any chain of the
                cluster.

        Raises:
            ValueError: no endpoint.
        """
        if not endpoints:
            raise ValueError("an RPC endpoint is needed")
        super().__init__(self._counted)
        self.cluster = cluster
        self.totals = CallTotals()
        self._endpoints = Endpoints(endpoints, cluster, expected_genesis=expected_genesis, totals=self.totals)
        self._nodes = {endpoint: Node(endpoint) for endpoint in self._endpoints.all}
        self._polls = 0

    async def start(self) -> None:
        """Check the genesis hash of every endpoint; return when one is verified, however long that takes.

        Raises:
            WrongCluster: an endpoint serves another chain.
        """
        await self._endpoints.start()

    async def close(self) -> None:
        """Close all connections."""
        await self._endpoints.close()

    @property
    def genesis(self) -> str:
        """The chain's genesis hash, base58. Raises WrongCluster before `start` has returned."""
        if self._endpoints.genesis is None:
            raise WrongCluster("no endpoint has been verified yet")
        return self._endpoints.genesis

    def nodes(self) -> list[Node]:
        """The endpoints that may be asked now, the best first."""
        return [self._nodes[endpoint] for endpoint in self._endpoints.usable()]

    def health(self) -> list[EndpointHealth]:
        """How each endpoint does."""
        return [endpoint.health() for endpoint in self._endpoints.all]

    def distrust(self) -> None:
        """Have each endpoint's genesis hash checked again before its next use; called when a socket was lost."""
        self._endpoints.distrust()

    def poll(self) -> Methods:
        """The endpoints as one, beginning with another usable one at each call, so that shared polls see what
        any of them sees."""
        self._polls += 1
        first = self._polls

        async def call(method: str, params: list[Any], *, apart: bool = False) -> Any:
            if method == SEARCH:
                return await self._endpoints.search(method, params)
            return await self._endpoints.read(method, params, first=first)

        return Methods(call)

    async def _counted(self, method: str, params: list[Any], *, apart: bool = False) -> Any:
        if not apart:
            count_call(method)
        if method == "sendTransaction":
            return await self._endpoints.send(method, params)
        if method == "requestAirdrop":
            return await self._endpoints.ask_best(method, params)
        if method == SEARCH:
            return await self._endpoints.search(method, params)
        return await self._endpoints.read(method, params)
