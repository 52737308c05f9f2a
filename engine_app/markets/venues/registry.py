"""The venues that an engine trades on: one line each."""

from __future__ import annotations

from engine_app.chain.clusters import Cluster
from engine_app.markets.venues.meteora_damm_v2 import MeteoraDammV2
from engine_app.markets.venues.raydium_cpmm import RaydiumCpmm
from engine_app.markets.venues.venue import Venue


def venues_for(cluster: Cluster) -> tuple[Venue, ...]:
    """Every venue with its program's address on the cluster."""
    return (
        RaydiumCpmm(cluster.raydium_cpmm),
        MeteoraDammV2(cluster.meteora_damm_v2),
    )
