"""What pools hold at one slot. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot, DecodeError
from engine_app.markets.pools.reading import Chunk
from engine_app.markets.routing import RefusedPool
from engine_app.markets.venues.clock import CLOCK_SYSVAR, ChainClock, decode_clock
from engine_app.markets.venues.venue import Pool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pools that may carry an order, at one slot or at a few that lie close together.

    Attributes:
        slot: the newest at which any of them was read.
        clock: the chain's clock.
        pools: those that could be decoded: the pair's own, and where intermediate mints were asked for also those
            that lead to them and on.
        slots: at which each pool was read, the refused ones too.
        refused: pools that cannot be decoded, and those that were read too many slots behind the others, with the
            reason.
        accounts: what was read in the call that carried the extra accounts and the clock; the slot is theirs.
        missing: accounts that the first read showed to be needed too, such as arrays of ticks that the price came to;
            where there are any, all was read once more.
    """

    slot: int
    clock: ChainClock
    pools: tuple[Pool, ...]
    slots: Mapping[Pubkey, int]
    refused: tuple[RefusedPool, ...]
    accounts: AccountsAtSlot
    missing: frozenset[Pubkey]


def compose(
    chunks: Sequence[Chunk], reads: Sequence[AccountsAtSlot], *, max_slot_spread: int, missing: frozenset[Pubkey]
) -> Snapshot:
    """The snapshot that the answers of some chunks make.

    Args:
        chunks: what was asked, the clock in the first.
        reads: each chunk's answer.
        max_slot_spread: slots that a pool may lie behind the newest answer and still be compared.
        missing: what the snapshot is to tell.

    Raises:
        DecodeError: there is no clock among the answers.
    """
    newest = max(read.slot for read in reads)
    pools: list[Pool] = []
    refused: list[RefusedPool] = []
    slots: dict[Pubkey, int] = {}
    for chunk, read in zip(chunks, reads, strict=True):
        for known in chunk.pools:
            slots[known.address] = read.slot
            if newest - read.slot > max_slot_spread:
                reason = f"read {newest - read.slot} slots behind the others"
                refused.append(RefusedPool(known.address, known.venue.name, known.venue.dex, reason))
                continue
            try:
                pools.append(known.venue.decode(known.address, read.accounts))
            except DecodeError as error:
                refused.append(RefusedPool(known.address, known.venue.name, known.venue.dex, str(error)))
    return Snapshot(
        slot=newest,
        clock=decode_clock(reads[0].accounts.get(CLOCK_SYSVAR)),
        pools=tuple(pools),
        slots=slots,
        refused=tuple(refused),
        accounts=reads[0],
        missing=missing,
    )
