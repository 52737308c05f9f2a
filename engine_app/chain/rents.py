"""Rent exemption as the cluster has it now: it changes, so it is read and never written down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine_app.chain.background import keep_running, stop
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_REFRESH_SECONDS = 60.0
_RETRY_SECONDS = 2.0


class Rents:
    """Rent exemption by account size, refreshed in the background."""

    def __init__(self, rpc: Rpc, sizes: Sequence[int] = (TOKEN_ACCOUNT_SIZE,)) -> None:
        """`sizes`: the account sizes to have ready, bytes."""
        self._rpc = rpc
        self._lamports: dict[int, int | None] = dict.fromkeys(sizes)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to refresh; does not wait for the first answer."""
        self._task = keep_running(self._run, "chain-rents")

    async def close(self) -> None:
        """Stop refreshing."""
        await stop(self._task)

    async def exemption(self, size: int) -> int:
        """Lamports that an account of `size` bytes must hold; read now where it is not known yet.

        Raises:
            RpcUnavailable: not known, and no node tells.
        """
        lamports = self._lamports.get(size)
        if lamports is None:
            lamports = self._lamports[size] = await self._rpc.rent_exemption(size)
        return lamports

    async def _run(self) -> None:
        while True:
            try:
                for size in list(self._lamports):
                    self._lamports[size] = await self._rpc.poll().rent_exemption(size)
            except (RpcUnavailable, RpcRefused) as error:
                _log.debug("rent not refreshed", reason=error.detail)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                await asyncio.sleep(_REFRESH_SECONDS)
