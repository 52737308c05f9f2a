"""The admin port of a local chain, as tests use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from engine_app.embedded.ports import free_port


class ChainAdmin:
    """Makes a local chain misbehave, and tells what it has seen."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30.0)

    def add(self, kind: str, **spec: Any) -> int:
        """Put a fault in force; its id."""
        return int(self._post("/faults", {"kind": kind, **spec})["id"])

    def remove(self, fault: int) -> int:
        """End a fault; its hits, 0 for one that has ended by itself."""
        answer = self._client.delete(f"/faults/{fault}")
        assert answer.status_code in (200, 404), answer.text
        return int(answer.json()["hits"]) if answer.status_code == 200 else 0

    def hits_of(self, fault: int) -> int:
        """Hits of a fault in force so far."""
        return next((int(known["hits"]) for known in self._get("/faults") if known["id"] == fault), 0)

    @contextmanager
    def fault(self, kind: str, **spec: Any) -> Iterator[None]:
        """A fault for the block; fails where nothing was hit by it."""
        before = self.hits().get(kind, 0)
        fault = self.add(kind, **spec)
        try:
            yield
        finally:
            self.remove(fault)
        assert self.hits().get(kind, 0) > before, f"{kind} hit nothing"

    def clear(self) -> None:
        """End all faults."""
        self._client.delete("/faults").raise_for_status()

    def hits(self) -> dict[str, int]:
        """Hits by kind of fault since the chain was started."""
        return dict(self._get("/hits"))

    def ledger(self, signer: str | None = None) -> list[dict[str, Any]]:
        """Every transaction that landed, or those that an address signed."""
        return list(self._get("/ledger", {} if signer is None else {"signer": signer}))

    def open_endpoint(self, port: int, *, lag_slots: int = 0) -> None:
        """One more endpoint of the same chain, with a websocket on another port."""
        self._post("/endpoints", {"port": port, "ws_port": free_port(), "lag_slots": lag_slots})

    def fork(self, slots: int, *, requeue: bool) -> list[str]:
        """Take the newest slots back; signatures of what had landed in them."""
        return list(self._post("/reorg", {"slots": slots, "requeue": requeue})["takenBack"])

    def swap(self, pool: str, mint_in: str, amount: int | None = None) -> None:
        """Have the whale sell into a pool, base units; without an amount it empties the pool's other side."""
        self._post("/whale", {"pool": pool, "mint_in": mint_in, "amount": amount})

    def close_pool(self, pool: str) -> None:
        """Have a pool's program refuse swaps."""
        self._post("/pools", {"pool": pool, "swaps": "disabled"})

    def open_pool(self, pool: str) -> None:
        """Let a pool take swaps again."""
        self._post("/pools", {"pool": pool, "swaps": "enabled"})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, path: str, params: dict[str, str] | None = None) -> Any:
        answer = self._client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()
