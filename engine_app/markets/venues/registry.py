"""The venues that an engine trades on: one line each."""

from __future__ import annotations

from collections.abc import Mapping

from engine_app.chain.clusters import Cluster
from engine_app.markets.venues.meteora_damm_v1 import MeteoraDammV1
from engine_app.markets.venues.meteora_damm_v2 import MeteoraDammV2
from engine_app.markets.venues.meteora_dlmm import MeteoraDlmm
from engine_app.markets.venues.raydium_amm_v4 import Build, RaydiumAmmV4
from engine_app.markets.venues.raydium_clmm import RaydiumClmm
from engine_app.markets.venues.raydium_cpmm import RaydiumCpmm
from engine_app.markets.venues.venue import Venue


def venues_for(cluster: Cluster) -> tuple[Venue, ...]:
    """Every venue with its program's address on the cluster."""
    return (
        RaydiumAmmV4(cluster.raydium_amm_v4),
        RaydiumClmm(cluster.raydium_clmm),
        RaydiumCpmm(cluster.raydium_cpmm),
        MeteoraDammV1(cluster.meteora_damm_v1, cluster.meteora_vault),
        MeteoraDammV2(cluster.meteora_damm_v2),
        MeteoraDlmm(cluster.meteora_dlmm),
    )


def older_builds(cluster: Cluster) -> Mapping[str, Venue]:
    """Venues as builds that mainnet has replaced quote them, by the build's name in files of measured answers."""
    return {
        "raydium-amm-v4": RaydiumAmmV4(cluster.raydium_amm_v4, Build.OLDER),
        "meteora-dlmm": MeteoraDlmm(cluster.meteora_dlmm, limit_orders=False),
    }
