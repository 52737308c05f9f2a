"""How fast slots pass and where the chain stands now, from slots seen at moments. Pure."""

from __future__ import annotations

from collections import deque

_WINDOW = 64
_ENOUGH = 6
_TEXTBOOK_SLOT_MS = 400.0
BEHIND_FOR_GOOD_SECONDS = 30.0
"""Where all that is seen for so long is older than what was seen before, the chain goes on from an earlier slot, as
after a restart of the cluster."""


class SlotClock:
    """Measures the slot time and estimates slot and block height.

    Moments are seconds of a monotonic clock. Estimates serve waiting and display; proofs read the chain.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._slots_without_block: int | None = None

    def saw_slot(self, slot: int, moment: float) -> None:
        """Note that `slot` was the newest at `moment`; one that is older than the last says nothing, but after
        `BEHIND_FOR_GOOD_SECONDS` without a newer one it begins anew."""
        if self._seen and slot < self._seen[-1][1] and self.seconds_since_slot(moment) > BEHIND_FOR_GOOD_SECONDS:
            self._seen.clear()
        if not self._seen or slot > self._seen[-1][1]:
            self._seen.append((moment, slot))

    def saw_block_height(self, slot: int, block_height: int) -> None:
        """Note the block height that belongs to a slot."""
        self._slots_without_block = slot - block_height

    @property
    def slot_ms(self) -> float:
        """Milliseconds a slot takes, over the last slots seen; the textbook's 400 until enough were."""
        if len(self._seen) < _ENOUGH:
            return _TEXTBOOK_SLOT_MS
        (first_moment, first_slot), (last_moment, last_slot) = self._seen[0], self._seen[-1]
        return max(1.0, (last_moment - first_moment) * 1000 / (last_slot - first_slot))

    @property
    def slot(self) -> int:
        """The newest slot seen; 0 before the first."""
        return self._seen[-1][1] if self._seen else 0

    @property
    def block_height(self) -> int | None:
        """The block height of the newest slot seen, if no slot was skipped since it was last measured; None before
        the first measurement."""
        return None if self._slots_without_block is None else self.slot - self._slots_without_block

    def seconds_since_slot(self, moment: float) -> float:
        """Seconds since a new slot was last seen; infinite before the first."""
        return moment - self._seen[-1][0] if self._seen else float("inf")
