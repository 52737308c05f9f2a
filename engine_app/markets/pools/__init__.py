"""The pools of pairs: found, kept in memory, and read together."""

from engine_app.markets.pools.known import KnownPool, Pair
from engine_app.markets.pools.service import ROOM_FOR_EXTRA, LastSearch, Pools
from engine_app.markets.pools.snapshot import Snapshot

__all__ = ["ROOM_FOR_EXTRA", "KnownPool", "LastSearch", "Pair", "Pools", "Snapshot"]
