"""What a compute unit costs now on the accounts a swap would write, watched in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from enum import IntEnum

from solders.pubkey import Pubkey

from engine_app.chain.answers import PrioritizationFee
from engine_app.chain.background import keep_running, stop
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.rpc import Rpc
from engine_app.telemetry.logging import get_logger

_log = get_logger(__name__)

_REFRESH_SECONDS = 2.0
_RECENT_SLOTS = 20
_WATCHED_SECONDS = 120.0
_ACCOUNTS_PER_CALL = 128


class FeeLevel(IntEnum):
    """How much is bid, as a percentile of what landed lately."""

    LOW = 25
    MEDIUM = 50
    HIGH = 75
    VERY_HIGH = 90


def percentile_fee(fees: Iterable[PrioritizationFee], level: FeeLevel) -> int:
    """The fee of that percentile over the newest 20 slots, nearest rank; micro-lamports per compute unit."""
    recent = sorted(fees, key=lambda fee: fee.slot)[-_RECENT_SLOTS:]
    if not recent:
        return 0
    ranked = sorted(fee.fee for fee in recent)
    rank = -(-level * len(ranked) // 100)
    return ranked[max(rank, 1) - 1]


def capped_price(price: int, compute_unit_limit: int, most_lamports: int) -> int:
    """The compute-unit price (micro-lamports) brought down so that price × limit is at most `most_lamports`."""
    return min(price, most_lamports * 1_000_000 // compute_unit_limit)


def priority_fee(compute_unit_limit: int, compute_unit_price: int) -> int:
    """Lamports a transaction pays on top of its base fee: limit × price / 10⁶, rounded up."""
    return -(-compute_unit_limit * compute_unit_price // 1_000_000)


class PriorityFees:
    """Keeps prices ready for sets of writable accounts that were asked for lately."""

    def __init__(self, rpc: Rpc, *, level: FeeLevel, least: int, refresh_seconds: float = _REFRESH_SECONDS) -> None:
        """Nothing is asked before `start`.

        Args:
            rpc: the endpoints.
            level: how much to bid.
            least: the price bid at the least, also where nothing is known yet; micro-lamports per compute unit.
            refresh_seconds: pause between two rounds.
        """
        self._rpc = rpc
        self._level = level
        self._least = least
        self._refresh_seconds = refresh_seconds
        self._prices: dict[frozenset[Pubkey], int] = {}
        self._wanted: dict[frozenset[Pubkey], float] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to refresh; does not wait for the first answer."""
        self._task = keep_running(self._run, "chain-priority-fees")

    async def close(self) -> None:
        """Stop refreshing."""
        await stop(self._task)

    def price(self, writable: Sequence[Pubkey]) -> int:
        """Micro-lamports per compute unit for a transaction that writes these accounts (pool, vaults).

        From the last background round, never asked for here; accounts asked for the first time get the least
        price until the next round.
        """
        key = frozenset(writable)
        self._wanted[key] = time.monotonic()
        return max(self._least, self._prices.get(key, 0))

    async def _run(self) -> None:
        while True:
            for key in self._still_wanted():
                try:
                    fees = await self._rpc.poll().recent_prioritization_fees(list(key)[:_ACCOUNTS_PER_CALL])
                except (RpcUnavailable, RpcRefused) as error:
                    _log.debug("priority fees not refreshed", reason=error.detail)
                    break
                self._prices[key] = percentile_fee(fees, self._level)
            await asyncio.sleep(self._refresh_seconds)

    def _still_wanted(self) -> list[frozenset[Pubkey]]:
        oldest = time.monotonic() - _WATCHED_SECONDS
        for key in [key for key, moment in self._wanted.items() if moment < oldest]:
            del self._wanted[key]
            self._prices.pop(key, None)
        return list(self._wanted)
