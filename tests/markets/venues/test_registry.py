"""Each cluster trades on its own programs."""

from __future__ import annotations

import pytest

from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.venues.raydium_cpmm import RaydiumCpmm
from engine_app.markets.venues.registry import venues_for


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_venue_stands_at_its_clusters_program(name: str) -> None:
    known = CLUSTERS[name]
    venues = {venue.name: venue for venue in venues_for(known)}
    assert {key: venue.program_id for key, venue in venues.items()} == {key: getattr(known, key) for key in venues}
    assert len({venue.program_id for venue in venues.values()}) == len(venues) == len(venues_for(known))
    cpmm = venues["raydium_cpmm"]
    assert isinstance(cpmm, RaydiumCpmm)
    assert cpmm.authority == known.raydium_cpmm_authority
