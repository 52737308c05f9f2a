"""The faults in force, and how often each was hit."""

import random
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from engine_app.localnet.faults.specs import AnyFault, MethodSpec, PrunedHistory, Spec, Stale

S = TypeVar("S", bound=Spec)


@dataclass(slots=True)
class ActiveFault:
    """A fault in force."""

    id: int
    spec: AnyFault
    chance: random.Random = field(repr=False)
    hits: int = 0

    def applies(self, port: int | None, method: str | None, signers: Collection[str]) -> bool:
        """Whether the fault's conditions are met; chance aside."""
        spec = self.spec
        if spec.endpoint is not None and spec.endpoint != port:
            return False
        if spec.signer is not None and spec.signer not in signers:
            return False
        return not isinstance(spec, MethodSpec) or spec.methods is None or method in spec.methods


class Faults:
    """What is wrong with a chain and its endpoints right now; nothing, unless a test asked for it."""

    def __init__(self) -> None:
        self._active: dict[int, ActiveFault] = {}
        self._last_id = 0
        self.hits: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._active)

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(tuple(self._active.values()))

    def add(self, spec: AnyFault) -> ActiveFault:
        """Put a fault in force."""
        self._last_id += 1
        chance = random.Random(spec.seed)  # noqa: S311 - repeatable on purpose
        fault = ActiveFault(self._last_id, spec, chance)
        self._active[fault.id] = fault
        return fault

    def remove(self, fault_id: int) -> ActiveFault | None:
        """End a fault; None where it has ended already."""
        return self._active.pop(fault_id, None)

    def clear(self) -> None:
        """End all faults; their hits stay counted."""
        self._active.clear()

    def hit(
        self,
        kind: type[S],
        *,
        port: int | None = None,
        method: str | None = None,
        signers: Collection[str] = (),
    ) -> S | None:
        """The first fault of this kind that applies, counted as a hit; None where all is well.

        Args:
            port: of the endpoint that is asked.
            method: that is called there.
            signers: addresses that signed the transaction it is about.
        """
        for fault in self._active.values():
            spec = fault.spec
            if not isinstance(spec, kind) or not fault.applies(port, method, signers):
                continue
            if fault.chance.random() >= spec.probability:
                continue
            fault.hits += 1
            self.hits[spec.kind] += 1
            if spec.limit is not None and fault.hits >= spec.limit:
                del self._active[fault.id]
            return spec
        return None

    def lag(self, port: int) -> int:
        """Slots by which an endpoint lags because of faults."""
        return max((spec.slots for spec in self._of(Stale, port)), default=0)

    def kept_slots(self, port: int) -> int | None:
        """Slots of history an endpoint has; None where all of it."""
        return min((spec.kept_slots for spec in self._of(PrunedHistory, port)), default=None)

    def _of(self, kind: type[S], port: int) -> Iterator[S]:
        for fault in self._active.values():
            if isinstance(fault.spec, kind) and fault.spec.endpoint in (None, port):
                yield fault.spec
