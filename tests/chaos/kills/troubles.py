"""What goes wrong with the chain and its node while workers are killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import httpx

ORDERS_BETWEEN = (1, 4)
"""How many orders come to their end between two troubles: a slow machine has fewer of both."""

LEAST_SECONDS_BETWEEN = 0.5
FORK_SLOTS = (4, 24)
"""A fork reaches what is confirmed, not what is final."""

LANDS_AGAIN = 0.4
"""Chance that what a fork takes back lands again by itself."""
PRUNED_SECONDS = 1.5
KEPT_SLOTS = 100


class Troubles:
    """The admin port of a local chain."""

    def __init__(self, admin: httpx.AsyncClient, endpoint: int, chance: Random) -> None:
        self._admin = admin
        self._endpoint = endpoint
        self._chance = chance

    async def sound_endpoint(self) -> int:
        """The port of a further endpoint of the chain, without faults."""
        answer = await self._admin.post("/endpoints", json={})
        answer.raise_for_status()
        return int(answer.json()["port"])

    async def add(self, kind: str, **spec: Any) -> int:
        """Put a fault of the workers' endpoint in force; its id."""
        return await self._add(kind=kind, endpoint=self._endpoint, **spec)

    async def add_to_chain(self, kind: str, **spec: Any) -> int:
        """Put a fault of the chain itself in force, one that its endpoints have no part in; its id."""
        return await self._add(kind=kind, **spec)

    async def _add(self, **fault: Any) -> int:
        answer = await self._admin.post("/faults", json=fault)
        answer.raise_for_status()
        return int(answer.json()["id"])

    async def clear(self) -> dict[str, int]:
        """End all faults; how often each kind was hit."""
        answer = await self._admin.delete("/faults")
        answer.raise_for_status()
        return dict(answer.json())

    async def ledger(self) -> list[dict[str, Any]]:
        """Every transaction that landed."""
        answer = await self._admin.get("/ledger")
        answer.raise_for_status()
        return list(answer.json())

    async def keep_coming(self, finished: Callable[[], int]) -> None:
        """Now and then a trouble that everybody has, until cancelled; `finished` counts the orders that are done."""
        kinds = (self._fork, self._fork, self._fork, self._node_away, self._lost_response, self._short_memory)
        due = 0
        while True:
            await asyncio.sleep(LEAST_SECONDS_BETWEEN)
            if finished() >= due:
                await self._chance.choice(kinds)()
                due = finished() + self._chance.randint(*ORDERS_BETWEEN)

    async def _fork(self) -> None:
        slots, requeue = self._chance.randint(*FORK_SLOTS), self._chance.random() < LANDS_AGAIN
        (await self._admin.post("/reorg", json={"slots": slots, "requeue": requeue})).raise_for_status()

    async def _node_away(self) -> None:
        await self.add("http_status", status=503, methods=["getMultipleAccounts"], limit=1)

    async def _lost_response(self) -> None:
        await self.add("lost_response", limit=1)

    async def _short_memory(self) -> None:
        """A node without old history cannot show that what expired did not land."""
        fault = await self.add("pruned_history", kept_slots=KEPT_SLOTS)
        await asyncio.sleep(PRUNED_SECONDS)
        (await self._admin.delete(f"/faults/{fault}")).raise_for_status()
