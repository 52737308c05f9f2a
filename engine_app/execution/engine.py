"""The parts that execution works with, one of each per worker process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from solders.pubkey import Pubkey

from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.clusters import Cluster
from engine_app.chain.landing import Landing
from engine_app.chain.lookup_tables import LookupTables
from engine_app.chain.priority_fees import PriorityFees
from engine_app.chain.rents import Rents
from engine_app.chain.rpc import Rpc
from engine_app.markets.pools import Pools
from engine_app.markets.venues.venue import Venue
from engine_app.orders.progress import ProgressPublisher
from engine_app.settings import WorkerSettings
from engine_app.storage.postgres import Database
from engine_app.telemetry.logging import get_logger
from engine_app.wallets.signer import Signer

if TYPE_CHECKING:
    from engine_app.execution.watcher import Watcher

log = get_logger(__name__)


@dataclass(slots=True)
class Engine:
    """What one worker process executes orders with.

    Attributes:
        name: who this process is, in leases and events.
        hubs: mints over which two hops may lead.
        held: the leases this process holds: order → fencing token.
        tasks: what runs in the background and must not be collected.
    """

    name: str
    settings: WorkerSettings
    cluster: Cluster
    database: Database
    rpc: Rpc
    blockhashes: Blockhashes
    landing: Landing
    pools: Pools
    venues: tuple[Venue, ...]
    signer: Signer
    progress: ProgressPublisher
    rents: Rents
    priority_fees: PriorityFees
    lookup_tables: LookupTables
    hubs: tuple[Pubkey, ...]
    held: dict[UUID, int] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    watcher: Watcher = field(init=False)

    def start_soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; an error in it is logged, never lost."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("execution.crashed", exc_info=error)
