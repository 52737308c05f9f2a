"""Reading many pools together: one call where it takes all of them, else several that end at one slot if they can."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from engine_app.chain.accounts import AccountsAtSlot
from engine_app.chain.call_counts import counted_apart
from engine_app.chain.methods import ADDRESSES_PER_CALL, Methods
from engine_app.markets.pools.known import KnownPool

READ_AGAIN = 2
"""How often calls that were answered at an older slot than the others are made again, at most."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one call reads: whole pools, and in the first chunk the accounts that all of them share."""

    addresses: tuple[Pubkey, ...]
    pools: tuple[KnownPool, ...]


def plan(shared: Sequence[Pubkey], pools: Sequence[KnownPool]) -> list[Chunk]:
    """Divide pools over as few calls as first fit finds, none of them over two. Pure.

    Args:
        shared: accounts that are read in the first call.
        pools: in the order in which they get their places.
    """
    taken: list[dict[Pubkey, None]] = [dict.fromkeys(shared)]
    placed: list[list[KnownPool]] = [[]]
    for pool in pools:
        wanted = dict.fromkeys(pool.accounts)
        for keys, chunk in zip(taken, placed, strict=True):
            if len(keys | wanted) <= ADDRESSES_PER_CALL:
                keys.update(wanted)
                chunk.append(pool)
                break
        else:
            taken.append(wanted)
            placed.append([pool])
    return [Chunk(tuple(keys), tuple(chunk)) for keys, chunk in zip(taken, placed, strict=True)]


async def read(methods: Methods, chunks: Sequence[Chunk]) -> list[AccountsAtSlot]:
    """Every chunk's accounts, read at the same time; of an order's own calls this is one.

    While the slots of the answers differ, those of an older slot are asked for again, `READ_AGAIN` times at most.

    Raises:
        RpcUnavailable: no node answers.
    """
    first, *others = chunks
    reads = list(
        await asyncio.gather(methods.accounts(first.addresses), *(_read_apart(methods, chunk) for chunk in others))
    )
    for _ in range(READ_AGAIN):
        newest = max(answer.slot for answer in reads)
        older = [number for number, answer in enumerate(reads) if answer.slot < newest]
        if not older:
            break
        again = await asyncio.gather(*(_read_apart(methods, chunks[number]) for number in older))
        for number, answer in zip(older, again, strict=True):
            reads[number] = max(reads[number], answer, key=lambda read: read.slot)
    return reads


async def _read_apart(methods: Methods, chunk: Chunk) -> AccountsAtSlot:
    with counted_apart():
        return await methods.accounts(chunk.addresses)
