"""The proof that an attempt can never land any more, from exact reads.

One endpoint must show all three: a finalized block height above the last valid one, at slot s, which has to be as many
slots after the blockhash's own as it lives in blocks, whatever height was told with it; blocks back to the slot at
which the blockhash was taken; and, as of slot s or later, no status of the signature with its whole history searched.
Every endpoint that answers must be past the height. One that lacks the blocks, or does not tell of its history, proves
nothing and stands against nothing. A signature found anywhere outweighs all of it.

Where so much time has passed that a node may have to look into its blocks for that (`history`), every block in which
the transaction could have landed has to be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine_app.chain.answers import EpochInfo
from engine_app.chain.errors import RpcRefused, RpcUnavailable
from engine_app.chain.landing.attempts import LiveAttempt, Observation
from engine_app.chain.landing.history import REMEMBERED_SLOTS, SKIPPED_SLOTS, Stretch, stretch_of, stretches
from engine_app.chain.rpc import Node
from engine_app.telemetry.logging import get_logger

BLOCKHASH_BLOCKS = 150
"""Blocks after its own in which a transaction over a blockhash may land."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one endpoint showed of one attempt.

    Attributes:
        endpoint: its name.
        slot: its finalized slot.
        block_height: its block height at that slot.
        first_available_block: the slot of the oldest block it has; where it lacks one in which the attempt could have
            landed, the slot up to which that is so.
        status_slot: the slot as of which it knows no status of the signature.
    """

    endpoint: str
    slot: int
    block_height: int
    first_available_block: int
    status_slot: int

    def as_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "endpoint": self.endpoint,
            "slot": self.slot,
            "blockHeight": self.block_height,
            "firstAvailableBlock": self.first_available_block,
            "statusSlot": self.status_slot,
        }


@dataclass(frozen=True, slots=True)
class ExpiryEvidence:
    """The attempt is dead: every endpoint that has the history showed it."""

    shown: tuple[Shown, ...]

    def as_json(self) -> dict[str, Any]:
        """What the first endpoint showed, with all others' under `others`: JSON-able."""
        first, *others = self.shown
        return {**first.as_json(), "others": [other.as_json() for other in others]}


@dataclass(frozen=True, slots=True)
class Found:
    """The signature is on the chain after all."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class HistoryMissing:
    """Too late to land, but no endpoint has the blocks that could show whether it did. Only an operator can end the
    order then, unless a later call finds an endpoint that has them.

    Attributes:
        shown: what the endpoints showed.
    """

    shown: tuple[Shown, ...]


Expiry = ExpiryEvidence | Found | HistoryMissing | None
"""None: it may still land, or nobody could tell."""


async def look_for_expiry(nodes: Sequence[Node], attempts: Sequence[LiveAttempt]) -> dict[UUID, Expiry]:
    """Ask every endpoint whether these attempts are dead, all attempts in the same few calls.

    Returns a finding for each attempt, by attempt id. Raises nothing of RPC: an endpoint that does not answer
    has said nothing.
    """
    answers = await asyncio.gather(*(_ask(node, attempts) for node in nodes), return_exceptions=True)
    told: list[dict[UUID, Shown | Observation | None]] = []
    for node, answer in zip(nodes, answers, strict=True):
        if isinstance(answer, RpcUnavailable | RpcRefused):
            _log.debug("no evidence to be had", endpoint=node.name, reason=answer.detail)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            told.append(answer)
    return {
        attempt.attempt_id: _conclude(attempt, [answer[attempt.attempt_id] for answer in told]) for attempt in attempts
    }


async def _ask(node: Node, attempts: Sequence[LiveAttempt]) -> dict[UUID, Shown | Observation | None]:
    """What one endpoint says of each attempt; None where by its own finalized height it may still land."""
    await node.verify()
    info = await node.epoch_info("finalized")
    found: dict[UUID, Shown | Observation | None] = {attempt.attempt_id: None for attempt in attempts}
    overdue = [attempt for attempt in attempts if is_too_late(attempt, info)]
    if not overdue:
        return found
    try:
        first_available = await node.first_available_block()
        status_slot, statuses = await node.signature_statuses([attempt.signature for attempt in overdue], history=True)
    except RpcRefused as refusal:
        _log.warning("no history to be had", endpoint=node.name, reason=refusal.detail)
        lacks = {attempt.attempt_id: max(info.slot, attempt.blockhash_slot + 1) for attempt in overdue}
        return found | {attempt_id: _shown(node, info, up_to, info.slot) for attempt_id, up_to in lacks.items()}
    for attempt, status in zip(overdue, statuses, strict=True):
        if status is not None:
            found[attempt.attempt_id] = Observation(
                attempt.attempt_id, status.slot, status.error, status.commitment, node.name
            )
        elif status_slot >= info.slot:
            beyond = attempt.blockhash_slot + 1 if attempt.blockhash_slot > info.slot else 0
            found[attempt.attempt_id] = _shown(node, info, max(first_available, beyond), status_slot)
    late = [attempt for attempt in overdue if _needs_blocks(attempt, found[attempt.attempt_id])]
    for attempt_id, missing_up_to in (await _missing(node, late, info.slot)).items():
        found[attempt_id] = _shown(node, info, missing_up_to, status_slot)
    return found


def is_too_late(attempt: LiveAttempt, finalized: EpochInfo) -> bool:
    """Whether it can land no more by where a node's finalized chain stands.

    No block takes less than a slot: a last valid height that was told too low makes nothing late too early. A slot that
    is far from reached at that height was told wrongly: then it is late, and there is nothing to prove it by.
    """
    slots = finalized.slot - attempt.blockhash_slot
    return finalized.block_height > attempt.last_valid_block_height and not -SKIPPED_SLOTS <= slots <= BLOCKHASH_BLOCKS


def _needs_blocks(attempt: LiveAttempt, shown: Shown | Observation | None) -> bool:
    """Whether a node that knows nothing of an attempt has had to look into its blocks, which go back far enough."""
    return (
        isinstance(shown, Shown)
        and shown.first_available_block <= attempt.blockhash_slot < shown.slot - REMEMBERED_SLOTS
    )


async def _missing(node: Node, late: Sequence[LiveAttempt], newest: int) -> dict[UUID, int]:
    """The attempts of which a node lacks a block in which they could have landed, and up to which slot."""
    shared = [
        await stretch_of(node, first, last)
        for first, last in stretches([attempt.blockhash_slot for attempt in late], newest)
    ]
    own: dict[int, Stretch] = {}
    missing: dict[UUID, int] = {}
    for attempt in late:
        slot, last_valid = attempt.blockhash_slot, attempt.last_valid_block_height
        where = last_valid - BLOCKHASH_BLOCKS + 1, last_valid
        if any(stretch.holds(*where) for stretch in shared):
            continue
        # A hole elsewhere in what it shares with others says nothing of this one.
        if slot not in own:
            own[slot] = await stretch_of(node, slot, min(slot + SKIPPED_SLOTS, newest))
        if not own[slot].holds(*where):
            missing[attempt.attempt_id] = own[slot].last_slot
            _log.warning("blocks are missing", endpoint=node.name, first=slot, last=own[slot].last_slot)
    return missing


def _shown(node: Node, info: EpochInfo, first_available: int, status_slot: int) -> Shown:
    return Shown(
        endpoint=node.name,
        slot=info.slot,
        block_height=info.block_height,
        first_available_block=first_available,
        status_slot=status_slot,
    )


def _conclude(attempt: LiveAttempt, told: Sequence[Shown | Observation | None]) -> Expiry:
    for answer in told:
        if isinstance(answer, Observation):
            return Found(answer)
    shown = tuple(answer for answer in told if isinstance(answer, Shown))
    if not shown or len(shown) < len(told):
        return None
    able = tuple(answer for answer in shown if answer.first_available_block <= attempt.blockhash_slot)
    return ExpiryEvidence(able) if able else HistoryMissing(shown)
