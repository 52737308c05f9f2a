"""Pools of every venue as they were measured, by their pair, and what is paid for divisions of an amount."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from solders.pubkey import Pubkey

from engine_app.chain.accounts import DecodeError
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.venue import Pool, QuoteRefused
from tests.markets.venues.vectors import FILES, load, state

USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
USDT = Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB")
BONK = Pubkey.from_string("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263")
CLOCK = state("meteora_damm_v2", "dammv2-sol-usdc-5bp/+1800s").clock
REFUSED = -(10**40)


@cache
def pools_of(one: Pubkey, other: Pubkey) -> tuple[Pool, ...]:
    """Every measured pool of a pair, of all venues, in every measured state that gives a quote at `CLOCK`, each at an
    address of its own."""
    found: list[Pool] = []
    for name in FILES:
        vectors = load(name)
        for of in vectors.states:
            for address in dict.fromkeys(case.pool for case in of.cases):
                try:
                    pool = vectors.venue.decode(address, of.accounts)
                except DecodeError:
                    continue
                if {*pool.mints} == {one, other} and paid(pool, one, 10**7) > 0:
                    found.append(at(pool, _address(one, other, len(found))))
    return tuple(found)


def _address(one: Pubkey, other: Pubkey, number: int) -> Pubkey:
    return Pubkey(sha256(bytes(one) + bytes(other) + number.to_bytes(2)).digest())


def at(pool: Any, address: Pubkey) -> Pool:
    """The same pool at another address."""
    moved: Pool = dataclasses.replace(pool, address=address)
    return moved


def pool_sets(one: Pubkey, other: Pubkey, *, least: int, most: int) -> st.SearchStrategy[list[Pool]]:
    """Some pools of a pair."""
    return st.lists(
        st.sampled_from(pools_of(one, other)), min_size=least, max_size=most, unique_by=lambda pool: pool.address
    )


def paid(pool: Pool, mint_in: Pubkey, amount: int, clock: ChainClock = CLOCK) -> int:
    """What a pool pays; nothing for nothing, and far less than nothing where it refuses."""
    if not amount:
        return 0
    try:
        return pool.quote_exact_in(mint_in, amount, clock).amount_out or REFUSED
    except QuoteRefused:
        return REFUSED


def alone(pools: Sequence[Pool], mint_in: Pubkey, amount: int) -> int:
    """What the best of some pools pays for all of it; 0 where all refuse."""
    return max(0, *(paid(pool, mint_in, amount) for pool in pools))
