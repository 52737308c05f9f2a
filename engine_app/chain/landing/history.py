"""Whether a node has every block of a stretch of its chain.

A node remembers the signatures of about 300 slots, whatever it stores. For older ones it looks into its blocks, and one
that was away and came back from a newer snapshot lacks some in the middle: its oldest block tells nothing of that, and
"no such signature" would be no proof.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from engine_app.chain.errors import RpcRefused
from engine_app.chain.rpc import Node

REMEMBERED_SLOTS = 250
"""Slots for which a node certainly remembers signatures. Source: `MAX_CACHE_ENTRIES`, 300 rooted slots, in Agave's
status cache, which its snapshots hold too."""
STRETCH_SLOTS = 4_000
"""Slots of the longest stretch that is asked for at once."""
SKIPPED_SLOTS = 1_000
"""More slots than pass without a block, or until a transaction can land no more; about one in twenty is skipped, and a
fork takes back dozens at most."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a node's finalized chain.

    Attributes:
        first_slot, last_slot: what was asked for, both included.
        lowest, highest: heights of the first and of the last block in it; None where a block is missing between them,
            there is none, or the node does not tell.
        first_block, last_block: slots of these blocks; 0 where there is none.
    """

    first_slot: int
    last_slot: int
    lowest: int | None = None
    highest: int | None = None
    first_block: int = 0
    last_block: int = 0

    def holds(self, lowest: int, highest: int) -> bool:
        """Whether every block between two heights, both included, is there."""
        return self.lowest is not None and self.highest is not None and self.lowest <= lowest <= highest <= self.highest

    def spans(self, slot: int) -> bool:
        """Whether the node has the block of a slot, or shows by those before and after that there is none."""
        return self.highest is not None and self.first_block <= slot <= self.last_block


async def stretch_of(node: Node, first_slot: int, last_slot: int) -> Stretch:
    """Look through a part of a node's finalized chain: one read of slots, two of blocks without their transactions.

    Raises:
        RpcUnavailable: the node gave no answer.
    """
    broken = Stretch(first_slot, last_slot)
    try:
        slots = await node.blocks(first_slot, last_slot)
        if not slots:
            return broken
        lowest, highest = await asyncio.gather(node.height_of(slots[0]), node.height_of(slots[-1]))
    except RpcRefused:
        return broken
    if lowest is None or highest is None or highest - lowest + 1 != len(slots):
        return broken
    return Stretch(first_slot, last_slot, lowest, highest, slots[0], slots[-1])


def stretches(slots: Iterable[int], newest: int) -> list[tuple[int, int]]:
    """Where whatever was signed over blockhashes of these slots has to have landed: first and last slots, none of them
    beyond the newest slot."""
    together: list[list[int]] = []
    for slot in sorted(slots):
        if together and slot - together[-1][0] <= STRETCH_SLOTS:
            together[-1].append(slot)
        else:
            together.append([slot])
    return [(group[0], min(group[-1] + SKIPPED_SLOTS, newest)) for group in together]
