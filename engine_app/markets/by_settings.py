"""What every process knows of markets, as the settings ask for it. Whoever makes it starts and closes it."""

from __future__ import annotations

from redis.asyncio import Redis
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.lookup_tables import LookupTables
from engine_app.chain.rpc import Rpc
from engine_app.markets.pools import Pools
from engine_app.markets.tokens import TokenList
from engine_app.settings import Settings


def pools_of(settings: Settings, rpc: Rpc, tokens: TokenList, redis: Redis) -> Pools:
    """The pools of the settings' cluster; findings are shared over Redis."""
    return Pools(
        rpc,
        CLUSTERS[settings.solana_cluster],
        refresh_seconds=settings.pool_refresh_seconds,
        pairs=tokens.pairs(),
        hubs=tokens.hubs(),
        configured=[Pubkey.from_string(address) for address in settings.pools],
        max_slot_spread=settings.max_slot_spread,
        redis=redis,
    )


def lookup_tables_of(settings: Settings, rpc: Rpc) -> LookupTables:
    """The lookup tables by which transactions may name their accounts."""
    return LookupTables(rpc, [Pubkey.from_string(address) for address in settings.lookup_tables])
